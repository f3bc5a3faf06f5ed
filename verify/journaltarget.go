package verify

import (
	"context"
	_ "embed" // queries
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

//go:embed queries/verification.sql
var verificationSQL string

// saveBytes bounds a transaction of records, unless one record is larger.
const saveBytes = 1 << 20

// TargetJournal is a journal in schema _pg2db9 of the target, which must be there:
// verifying alone makes no ledger.
type TargetJournal struct {
	Endpoint *dial.Endpoint
	Settings dial.Settings
}

// do runs f on a connection of its own.
func (j TargetJournal) do(ctx context.Context, f func(conn *pgx.Conn) error) error {
	conn, err := j.Endpoint.Connect(ctx, j.Settings)
	if err != nil {
		return err
	}
	defer (&session{conn: conn}).close()
	return f(conn)
}

// Load implements Journal.
func (j TargetJournal) Load(ctx context.Context) (map[string]string, error) {
	records := map[string]string{}
	err := j.do(ctx, func(conn *pgx.Conn) error {
		if err := makeVerification(ctx, conn); err != nil {
			return err
		}
		rows, err := conn.Query(ctx, "SELECT name, record FROM _pg2db9.verification", pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			return err
		}
		var name, record string
		_, err = pgx.ForEachRow(rows, []any{&name, &record}, func() error {
			records[name] = record
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading _pg2db9.verification on the target: %w", err)
	}
	return records, nil
}

// Save implements Journal.
func (j TargetJournal) Save(ctx context.Context, records map[string]string) error {
	err := j.do(ctx, func(conn *pgx.Conn) error {
		if err := makeVerification(ctx, conn); err != nil {
			return err
		}
		sql, size := "", 0
		for _, name := range slices.Sorted(maps.Keys(records)) {
			if size > 0 && size+len(records[name]) > saveBytes {
				if _, err := conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
					return err
				}
				sql, size = "", 0
			}
			id := quote.Literal(name)
			sql += "DELETE FROM _pg2db9.verification WHERE name = " + id +
				"; INSERT INTO _pg2db9.verification (name, record) VALUES (" + id + ", " + quote.Literal(records[name]) + ");\n"
			size += len(records[name])
		}
		_, err := conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if err != nil {
		return fmt.Errorf("writing _pg2db9.verification on the target: %w", err)
	}
	return nil
}

// Clear implements Journal.
func (j TargetJournal) Clear(ctx context.Context) error {
	err := j.do(ctx, func(conn *pgx.Conn) error {
		if err := makeVerification(ctx, conn); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "DELETE FROM _pg2db9.verification", pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if err != nil {
		return fmt.Errorf("emptying _pg2db9.verification on the target: %w", err)
	}
	return nil
}

// makeVerification makes the table, which a ledger of an older version lacks.
func makeVerification(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, verificationSQL, pgx.QueryExecModeSimpleProtocol)
	return err
}
