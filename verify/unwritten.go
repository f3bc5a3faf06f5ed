package verify

import (
	"context"
	_ "embed" // queries
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
)

//go:embed queries/written.sql
var writtenSQL string

// state is what tells whether a table was written to: sums of counters that grow
// with each row that is written, and whatever else a write changes. An empty one
// is not known. Servers count up to a minute late, and a session that never rests
// as late as it likes: a write that is not counted yet is not noticed. So a report
// says which parts another run has read: of those it is true that they were equal
// then.
type state string

// same says whether nothing was written between two states. What is not known is
// not the same.
func (s state) same(o state) bool { return s != "" && s == o }

// unknowable is the state of a target that has no such counters: that nobody
// writes to it while it is verified is the user's word, as it is within a run.
const unknowable state = "unknowable"

type writtenRow struct {
	Schema string `db:"schema_name"`
	Table  string `db:"table_name"`
	State  string `db:"state"`
}

// readStates reads the states of the tables of schemas.
func readStates(ctx context.Context, conn *pgx.Conn, schemas []string) (map[catalog.Name]state, error) {
	rows, err := conn.Query(ctx, writtenSQL, pgx.QueryExecModeSimpleProtocol, compacted(schemas))
	if err != nil {
		return nil, fmt.Errorf("asking whether tables were written to: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[writtenRow])
	if err != nil {
		return nil, fmt.Errorf("asking whether tables were written to: %w", err)
	}
	states := make(map[catalog.Name]state, len(list))
	for _, r := range list {
		states[catalog.Name{Schema: r.Schema, Name: r.Table}] = state(r.State)
	}
	return states, nil
}

// sourceStates are the states of the source's tables. They are asked for on a
// connection of its own, soon after the snapshot was taken that rows are read in:
// counters know no snapshots.
func (v *run) sourceStates(ctx context.Context, schemas []string) (map[catalog.Name]state, error) {
	conn, err := v.p.Source.Connect(ctx, v.source.settings)
	if err != nil {
		return nil, err
	}
	defer (&session{conn: conn}).close()
	return readStates(ctx, conn, schemas)
}

// tableStates are the states of both sides' tables, as they were before the
// first row was read.
type tableStates struct {
	source, target map[catalog.Name]state
	foreign        bool // the target has no counters
}

// readStates reads them, where another run may go on with this one. Where a
// server does not tell, none will.
func (v *run) readStates(ctx context.Context, comparisons []*comparison) {
	if v.journal == nil {
		return
	}
	var source, target []string
	for _, c := range comparisons {
		for _, r := range c.transfer.Relations {
			source = append(source, r.Schema)
		}
		target = append(target, c.transfer.Target.Schema)
	}
	var err error
	if v.states.source, err = v.sourceStates(ctx, source); err != nil {
		v.p.Log.DebugContext(ctx, "what is verified cannot be gone on with", "error", err)
	}
	if v.states.foreign = v.p.Profile.Map; v.states.foreign {
		return
	}
	s, err := v.target.get(ctx)
	if err == nil {
		if v.states.target, err = readStates(ctx, s.conn, target); err != nil {
			v.target.drop(s)
		} else {
			v.target.put(s)
		}
	}
	if err != nil {
		v.p.Log.DebugContext(ctx, "what is verified cannot be gone on with", "error", err)
	}
}

func compacted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// of are the states of a transfer's tables; empty where one of them is not known.
func (s *tableStates) of(t *ddlgen.Transfer) (source, target state) {
	for _, r := range t.Relations {
		one := s.source[r]
		if one == "" {
			source = ""
			break
		}
		source += one + ";"
	}
	if target = s.target[t.Target]; s.foreign {
		target = unknowable
	}
	return source, target
}
