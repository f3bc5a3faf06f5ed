package cli

import (
	"context"

	"github.com/pg2db9/pg2db9/internal/bench/like"
	benchrun "github.com/pg2db9/pg2db9/internal/bench/run"
	"github.com/pg2db9/pg2db9/internal/bench/shape"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/dial"
)

// checkLikeTable refuses --like-table beside what it stands instead of.
func checkLikeTable(cfg *config.Config, opts *options) error {
	if cfg.LikeTable == "" {
		return nil
	}
	if opts.source == nil {
		return usagef(cmdBench, "%s: there is no --source that the table is on", cfg.Where("like-table"))
	}
	for _, other := range []string{"shape", "include-table", "exclude-table", "include-schema", "exclude-schema"} {
		if cfg.Given(other) {
			return usagef(cmdBench, "%s: made rows are like one table: leave --%s out", cfg.Where("like-table"), other)
		}
	}
	return nil
}

// likeTable has the source tell what the rows of a table look like. Rows like them are
// made then; the source's own are not read.
func likeTable(ctx context.Context, opts *options, params *benchrun.Params) error {
	if opts.LikeTable == "" {
		return nil
	}
	conn, err := opts.source.Connect(ctx, dial.Asker())
	if err != nil {
		return err
	}
	defer closeConns(ctx, conn)
	s, notes, err := like.Read(ctx, conn, opts.LikeTable)
	if err != nil {
		return err
	}
	params.Source, params.Notes, params.Grid.Shapes = nil, notes, []shape.Shape{s}
	return nil
}
