package sync

import (
	"context"
	_ "embed" // queries
	"fmt"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"
)

//go:embed queries/trim.sql
var trimSQL string

const (
	historyDays = 90   // that runs are remembered for
	trimAtOnce  = 1000 // rows of one statement, as trim.sql says
	trimEvery   = 50   // runs, on the average: looking through the history is not free
)

// trim forgets runs of long ago, now and then. That it could not is told, and keeps
// nothing from being run.
func (r *run) trim(ctx context.Context) {
	if rand.IntN(trimEvery) != 0 { //nolint:gosec // no secret
		return
	}
	if err := trimHistory(ctx, r.control); err != nil {
		r.say("%s; the next runs try again", redact(err))
	}
}

func trimHistory(ctx context.Context, conn *pgx.Conn) error {
	for {
		tag, err := conn.Exec(ctx, trimSQL, historyDays)
		if err != nil {
			return fmt.Errorf("forgetting runs of more than %d days ago on the target: %w", historyDays, err)
		}
		if tag.RowsAffected() < trimAtOnce {
			return nil
		}
	}
}
