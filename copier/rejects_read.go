package copier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
)

// CountRejects counts the rows of a run that the target has refused and that are
// not mended.
func CountRejects(ctx context.Context, conn *pgx.Conn, run string) (n int64, err error) {
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM _pg2db9.reject WHERE run = $1", run).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting the refused rows of run %s in the ledger: %w", run, err)
	}
	return n, nil
}

// Reject is a row that the target refused, as files hold it: run, part and row
// name it, Text (or, where it is not UTF-8, Base64) is what there is to mend, all
// else is for people.
type Reject struct {
	Run      string   `json:"run"`
	Part     int64    `json:"part"`
	Row      int64    `json:"row"` // number in the part, counted from 0
	Table    string   `json:"table"`
	Key      string   `json:"key,omitempty"`
	SQLState string   `json:"sqlstate"`
	Message  string   `json:"message"`
	Length   int64    `json:"length"` // bytes
	Columns  []string `json:"columns"`
	Text     *string  `json:"text,omitempty"`   // COPY TEXT: tabs between the columns, \N is NULL
	Base64   []byte   `json:"base64,omitempty"` // the same, in place of text
}

// LastRunWithRejects is the newest run of which the ledger holds refused rows; ""
// is none.
func LastRunWithRejects(ctx context.Context, conn *pgx.Conn) (run string, err error) {
	const sql = `SELECT r.run FROM _pg2db9.run r WHERE EXISTS (SELECT 1 FROM _pg2db9.reject j WHERE j.run = r.run) ORDER BY r.started DESC, r.run DESC LIMIT 1`
	err = conn.QueryRow(ctx, sql).Scan(&run)
	if errors.Is(err, pgx.ErrNoRows) || isUndefined(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("looking for refused rows in the target's ledger: %w", err)
	}
	return run, nil
}

// EachReject calls f with every refused row of a run, by table, part and row. It
// holds one at a time.
func EachReject(ctx context.Context, conn *pgx.Conn, run string, f func(table catalog.Name, r Reject) error) error {
	const sql = `SELECT part, "row", target_schema, target_name, key, sqlstate, message, length, columns, bytes
		FROM _pg2db9.reject WHERE run = $1 ORDER BY target_schema, target_name, part, "row"`
	rows, err := conn.Query(ctx, sql, run)
	if err != nil {
		return fmt.Errorf("reading the refused rows of run %s: %w", run, err)
	}
	var r Reject
	var table catalog.Name
	var columns string
	var bytes []byte
	_, err = pgx.ForEachRow(rows, []any{&r.Part, &r.Row, &table.Schema, &table.Name, &r.Key, &r.SQLState, &r.Message, &r.Length, &columns, &bytes}, func() error {
		out := r
		out.Run, out.Table = run, table.String()
		list, err := readColumns(columns)
		if err != nil {
			return err
		}
		for _, c := range list {
			out.Columns = append(out.Columns, c.Name)
		}
		switch {
		case bytes == nil:
		case utf8.Valid(bytes):
			text := string(bytes)
			out.Text = &text
		default:
			out.Base64 = bytes
		}
		return f(table, out)
	})
	if isUndefined(err) {
		return fmt.Errorf("the target has no ledger of this version, so no refused rows: %w", err)
	}
	if err != nil {
		return fmt.Errorf("reading the refused rows of run %s: %w", run, err)
	}
	return nil
}

// isUndefined says that a table or a column is not there.
func isUndefined(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "42703" || pg.Code == "3F000") && dial.Classify(err) == dial.Final
}

// readColumns reads what columnsOf wrote.
func readColumns(text string) ([]column, error) {
	var list []column
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("the columns of a refused row in _pg2db9.reject cannot be read: %w", err)
	}
	return list, nil
}
