package sync

import (
	"context"
	_ "embed" // the ledger
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

//go:embed ledger/schema.sql
var schemaSQL string

//go:embed queries/last.sql
var lastSQL string

// LedgerTables are the names of the tables that syncs keep beside the copier's, by
// their schema's.
func LedgerTables() []string { return []string{"sync_history", "sync_stage", "sync_table"} }

// Status is what the ledger says of a table that is kept current.
type Status struct {
	Table     catalog.Name `json:"table"` // on the source
	Target    catalog.Name `json:"target"`
	Mode      jobfile.Mode `json:"mode"`
	Cursor    string       `json:"cursor,omitempty"`
	Watermark string       `json:"watermark,omitempty"` // the largest value of Cursor that was read
	Moment    time.Time    `json:"moment,omitzero"`     // that the target shows, by the source's clock; zero: none was reached yet
	Last      *Entry       `json:"last,omitempty"`      // its last run
	Success   time.Time    `json:"success,omitzero"`    // when its last good run ended, by the target's clock; zero: none
	Running   string       `json:"running,omitempty"`   // who is at work on its last run; empty is nobody
}

const historyColumns = `h.run, h.source_schema, h.source_name, h.target_schema, h.target_name, h.grp, h.mode, h.began, h.ended, h.moment,
	h.rows_read, h.rows_sent, h.inserted, h.updated, h.deleted, h.bytes_sent, h.verdict, h.error`

func scanEntry(row pgx.CollectableRow, more ...any) (Entry, error) {
	var e Entry
	var ended, moment *time.Time
	err := row.Scan(append([]any{
		&e.Run, &e.Table.Schema, &e.Table.Name, &e.Target.Schema, &e.Target.Name, &e.Group, &e.Mode, &e.Began, &ended, &moment,
		&e.Read, &e.Sent, &e.Inserted, &e.Updated, &e.Deleted, &e.Bytes, &e.Verdict, &e.Err,
	}, more...)...)
	if ended != nil {
		e.Ended = *ended
	}
	if moment != nil {
		e.Moment = *moment
	}
	return e, err
}

// History reads runs of tables, the last begun first, at most limit (0 is all);
// those of one table of the source where table is not nil. There are none where
// the target has no ledger of syncs.
func History(ctx context.Context, conn *pgx.Conn, table *catalog.Name, limit int) ([]Entry, error) {
	sql, args := "SELECT "+historyColumns+" FROM _pg2db9.sync_history h", []any{}
	if table != nil {
		sql, args = sql+" WHERE h.source_schema = $1 AND h.source_name = $2", append(args, table.Schema, table.Name)
	}
	sql += " ORDER BY h.began DESC, h.run DESC, h.target_schema, h.target_name"
	if limit > 0 {
		sql += fmt.Sprintf(" LIMIT %d", limit)
	}
	rows, err := conn.Query(ctx, sql, args...)
	if err == nil {
		var out []Entry
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Entry, error) { return scanEntry(row) })
		if err == nil {
			return out, nil
		}
	}
	if noLedger(err) {
		return nil, nil
	}
	return nil, fmt.Errorf("reading the history of syncs on the target: %w", err)
}

// ReadStatus reads what the ledger says of each table, by the target's names. There
// is nothing where the target has no ledger of syncs.
func ReadStatus(ctx context.Context, conn *pgx.Conn) ([]Status, error) {
	list, err := readTables(ctx, conn)
	if noLedger(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the state of syncs on the target: %w", err)
	}
	rows, err := conn.Query(ctx, "SELECT "+historyColumns+lastSQL)
	if err == nil {
		_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (none struct{}, err error) {
			var running string
			var success *time.Time
			e, err := scanEntry(row, &running, &success)
			i := slices.IndexFunc(list, func(s Status) bool { return s.Target == e.Target })
			if err != nil || i < 0 || list[i].Last != nil { // of two that began at the same moment the first is the last
				return none, err
			}
			if list[i].Last, list[i].Running = &e, running; success != nil {
				list[i].Success = *success
			}
			return none, nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading the last runs of tables on the target: %w", err)
	}
	return list, nil
}

func readTables(ctx context.Context, conn *pgx.Conn) ([]Status, error) {
	rows, err := conn.Query(ctx, "SELECT source_schema, source_name, target_schema, target_name, mode, cursor, watermark, moment FROM _pg2db9.sync_table ORDER BY target_schema, target_name")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Status, error) {
		var s Status
		var moment *time.Time
		err := row.Scan(&s.Table.Schema, &s.Table.Name, &s.Target.Schema, &s.Target.Name, &s.Mode, &s.Cursor, &s.Watermark, &moment)
		if moment != nil {
			s.Moment = *moment
		}
		return s, err
	})
}

func noLedger(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == pgerrcode.UndefinedTable || pg.Code == pgerrcode.InvalidSchemaName)
}
