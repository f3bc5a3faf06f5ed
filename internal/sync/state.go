package sync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

// state is what the ledger keeps of a table from one run to the next.
type state struct {
	known     bool // a run has come to its end before
	mode      jobfile.Mode
	watermark string
	horizon   string
	origin    string
	wanted    string
	columns   string
}

// column is a column of the source, as far as a change of it matters.
type column struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	NotNull bool   `json:"not_null,omitempty"`
}

// readState reads what the run before has left, and makes the row that this one will
// change.
func (r *run) readState(ctx context.Context, t *table) error {
	target, source := t.transfer.Target, t.job.Table
	const make = `INSERT INTO _pg2db9.sync_table (target_schema, target_name, source_schema, source_name, mode) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`
	if _, err := r.control.Exec(ctx, make, target.Schema, target.Name, source.Schema, source.Name, string(t.job.Mode)); err != nil {
		return fmt.Errorf("recording in the ledger that %s is kept current: %w", target, err)
	}
	return r.readKnown(ctx, t)
}

// readKnown reads what the run before has left.
func (r *run) readKnown(ctx context.Context, t *table) error {
	target, source := t.transfer.Target, t.job.Table
	var moment *time.Time
	var was catalog.Name
	const read = `SELECT source_schema, source_name, mode, watermark, horizon, origin, wanted, columns, moment FROM _pg2db9.sync_table WHERE target_schema = $1 AND target_name = $2`
	s := &t.state
	err := r.control.QueryRow(ctx, read, target.Schema, target.Name).Scan(&was.Schema, &was.Name, &s.mode, &s.watermark, &s.horizon, &s.origin, &s.wanted, &s.columns, &moment)
	if err != nil {
		return fmt.Errorf("reading from the ledger what is known of %s: %w", target, err)
	}
	if s.known = moment != nil; was != source {
		return fmt.Errorf("target table %s was kept current from %s, and shall be from %s now: sync reset %s forgets the former", target, was, source, catalog.Pattern(source))
	}
	return nil
}

// finish is the statement that records a run of a table as done.
func (t *table) finish(m moment, watermark, horizon, wanted string) string {
	return fmt.Sprintf(`UPDATE _pg2db9.sync_table SET mode = %s, cursor = %s, watermark = %s, horizon = %s, origin = %s, wanted = %s, columns = %s, moment = %s WHERE target_schema = %s AND target_name = %s`,
		quote.Literal(string(t.job.Mode)), quote.Literal(t.job.Cursor), quote.Literal(watermark), quote.Literal(horizon), quote.Literal(m.origin), quote.Literal(wanted),
		quote.Literal(t.columns()), quote.Literal(m.taken.UTC().Format(time.RFC3339Nano)), quote.Literal(t.transfer.Target.Schema), quote.Literal(t.transfer.Target.Name))
}

// columns are the source's columns that travel, as JSON.
func (t *table) columns() string {
	var list []column
	for _, c := range t.source.Columns {
		if len(t.job.Columns) == 0 || slices.Contains(t.job.Columns, c.Name) {
			list = append(list, column{c.Name, c.Type.Text, c.NotNull})
		}
	}
	text, _ := json.Marshal(list) // cannot fail: plain structs
	return string(text)
}

// since is the condition for the rows that the last run may not have seen, and what
// this run asks for in all. "" is all rows.
func (r *run) since(ctx context.Context, p *prepared, t *table) (condition, wanted string, err error) {
	asked := struct {
		Cursor    string
		Key       []string
		Where     string
		Selects   []string
		Relations []string
	}{Cursor: t.job.Cursor, Key: t.key, Where: t.job.Where}
	for _, c := range t.transfer.Columns {
		asked.Selects = append(asked.Selects, c.Target+" = "+c.Select)
	}
	// A table that took another's place has rows that are old and were never seen.
	const oid = "SELECT c.oid::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2"
	for _, rel := range t.transfer.Relations {
		var id string
		if err := p.snapshot.Conn().QueryRow(ctx, oid, rel.Schema, rel.Name).Scan(&id); err != nil {
			return "", "", fmt.Errorf("asking the source which table %s is: %w", rel, err)
		}
		asked.Relations = append(asked.Relations, id)
	}
	text, err := json.Marshal(asked)
	if err != nil {
		return "", "", err
	}
	s := t.state
	low, bad := strconv.ParseUint(s.horizon, 10, 64)
	if bad != nil { // nothing is known, or what somebody has changed
		low = math.MaxUint64
	}
	if !s.known || s.mode != t.job.Mode || s.origin != p.moment.origin || s.wanted != string(text) {
		return "", string(text), nil
	}
	return p.moment.since(low), string(text), nil
}

// changed says how the source's columns differ from those of the run before, and
// which of the changes adapt carries: added columns that take NULL.
func (t *table) changed() (words []string, added []string) {
	var before, now []column
	if !t.state.known || t.state.columns == "" || json.Unmarshal([]byte(t.state.columns), &before) != nil || json.Unmarshal([]byte(t.columns()), &now) != nil {
		return nil, nil
	}
	for _, b := range before {
		i := slices.IndexFunc(now, func(c column) bool { return c.Name == b.Name })
		switch {
		case i < 0:
			words = append(words, "column "+b.Name+" is gone")
		case now[i].Type != b.Type:
			words = append(words, fmt.Sprintf("column %s is %s, and was %s", b.Name, now[i].Type, b.Type))
		case now[i].NotNull != b.NotNull:
			words = append(words, "column "+b.Name+" takes NULL "+map[bool]string{true: "no more", false: "now"}[now[i].NotNull])
		}
	}
	for _, c := range now {
		if slices.ContainsFunc(before, func(b column) bool { return b.Name == c.Name }) {
			continue
		}
		if c.NotNull {
			words = append(words, "column "+c.Name+" is new, and NOT NULL")
			continue
		}
		added = append(added, c.Name)
	}
	return words, added
}

// Reset forgets what the ledger knows of a table: its next run reads all rows, and
// takes the columns as they are. The history stays.
func (r *Runner) Reset(ctx context.Context, name catalog.Name) error {
	conn, err := r.p.Target.Connect(ctx, copier.ControlSettings(r.p.Profile))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var other, owner string
	err = conn.QueryRow(ctx, "SELECT run, owner FROM _pg2db9.run WHERE command = $1 AND lease > now() LIMIT 1", Command).Scan(&other, &owner)
	switch {
	case err == nil:
		return fmt.Errorf("run %s is being worked on by %s: wait for its end; nothing was forgotten", other, owner)
	case noLedger(err):
		return fmt.Errorf("the target knows nothing of table %s", name)
	case !errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("asking the ledger whether a run is at work: %w", err)
	}
	tag, err := conn.Exec(ctx, "DELETE FROM _pg2db9.sync_table WHERE source_schema = $1 AND source_name = $2", name.Schema, name.Name)
	if err != nil && !noLedger(err) {
		return fmt.Errorf("forgetting what is known of %s: %w", name, err)
	}
	if err != nil || tag.RowsAffected() == 0 {
		return fmt.Errorf("the target knows nothing of table %s", name)
	}
	return nil
}

// list joins words for a sentence.
func list(words []string) string { return strings.Join(words, "; ") }
