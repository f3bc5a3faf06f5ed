package copier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// Mended is a row to be sent again in place of one that was refused.
type Mended struct {
	Reject
	Where string // file and line, for messages
}

// MendResult is what became of mended rows.
type MendResult struct {
	Loaded  int64
	Gone    int64            // nothing in the ledger waits for them: loaded before, as a rule
	Refused []RefusedRow     // again, and so left in the ledger as they were
	Tables  map[string]int64 // rows loaded, by table
}

// RefusedRow is a mended row that was refused.
type RefusedRow struct {
	Where, State, Message string
}

// mendBatch bounds a transaction of mended rows.
const (
	mendRows  = 1000
	mendBytes = 1 << 20
)

// mender sends mended rows.
type mender struct {
	conn   *pgx.Conn
	result MendResult
}

// waiting is a refused row in the ledger with the row that is to take its place.
type waiting struct {
	Mended
	table   catalog.Name
	columns string
	line    []byte
}

// mended makes sure that a row which nothing waits for any more is in the ledger
// as one that was loaded: else it is of a run or a target that knows nothing of it.
func (m *mender) mended(ctx context.Context, r Mended) error {
	var there bool
	const sql = `SELECT EXISTS (SELECT FROM _pg2db9.span WHERE run = $1 AND part = $2 AND first <= $3 AND last > $3)`
	if err := m.conn.QueryRow(ctx, sql, r.Run, r.Part, r.Row).Scan(&there); err != nil {
		return fmt.Errorf("%s: looking for the row in the ledger: %w", r.Where, err)
	}
	if !there {
		return fmt.Errorf("%s: the target's ledger knows no such row (run %s, part %d, row %d): its table was loaded anew since, or this is another target; nothing was sent",
			r.Where, r.Run, r.Part, r.Row)
	}
	return nil
}

// LoadRejects sends mended rows. Each is loaded in the transaction that takes
// what it stands for out of the ledger's refused rows and puts it into its span.
// What is refused again stays there.
func LoadRejects(ctx context.Context, conn *pgx.Conn, rows []Mended) (MendResult, error) {
	m := &mender{conn: conn, result: MendResult{Tables: map[string]int64{}}}
	found, err := m.find(ctx, rows)
	if err != nil {
		return m.result, err
	}
	for len(found) > 0 {
		n, size := 0, 0
		for n < len(found) && n < mendRows && (n == 0 || size+len(found[n].line) <= mendBytes) &&
			found[n].Run == found[0].Run && found[n].table == found[0].table && found[n].columns == found[0].columns {
			size += len(found[n].line)
			n++
		}
		if err := m.settle(ctx, found[:n]); err != nil {
			return m.result, err
		}
		found = found[n:]
	}
	return m.result, nil
}

// find looks the rows up in the ledger, and refuses those of runs that are not at
// their end.
func (m *mender) find(ctx context.Context, rows []Mended) ([]waiting, error) {
	runs := map[string]bool{}
	var out []waiting
	seen := map[string]string{}
	for _, r := range rows {
		if !runs[r.Run] {
			if err := m.checkRun(ctx, r.Run); err != nil {
				return nil, err
			}
			runs[r.Run] = true
		}
		id := fmt.Sprintf("%s/%d/%d", r.Run, r.Part, r.Row)
		if before, twice := seen[id]; twice {
			return nil, fmt.Errorf("%s: the same refused row as %s: nothing was sent; leave one of them out", r.Where, before)
		}
		seen[id] = r.Where
		w := waiting{Mended: r}
		const sql = `SELECT j.target_schema, j.target_name, j.columns, (SELECT count(*) FROM _pg2db9.span s WHERE s.run = j.run AND s.part = j.part AND s.final)
			FROM _pg2db9.reject j WHERE j.run = $1 AND j.part = $2 AND j."row" = $3`
		var final int64
		err := m.conn.QueryRow(ctx, sql, r.Run, r.Part, r.Row).Scan(&w.table.Schema, &w.table.Name, &w.columns, &final)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			if err := m.mended(ctx, r); err != nil {
				return nil, err
			}
			m.result.Gone++
			continue
		case err != nil:
			return nil, fmt.Errorf("%s: looking for the refused row in the ledger: %w", r.Where, err)
		case final == 0:
			return nil, fmt.Errorf("%s: run %s has not come to the end of %s: continue it first (--resume), nothing was sent", r.Where, r.Run, w.table)
		}
		columns, err := readColumns(w.columns)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.Where, err)
		}
		if w.line, err = r.row(len(columns)); err != nil {
			return nil, fmt.Errorf("%s: %w; nothing was sent", r.Where, err)
		}
		out = append(out, w)
	}
	slices.SortStableFunc(out, func(a, b waiting) int { return a.table.Compare(b.table) })
	return out, nil
}

// checkRun refuses a run that a process works on.
func (m *mender) checkRun(ctx context.Context, run string) error {
	var owner string
	err := m.conn.QueryRow(ctx, "SELECT owner FROM _pg2db9.run WHERE run = $1 AND lease > now()", run).Scan(&owner)
	switch {
	case errors.Is(err, pgx.ErrNoRows), isUndefined(err):
		return nil
	case err != nil:
		return fmt.Errorf("asking whether run %s is being worked on: %w", run, err)
	}
	return fmt.Errorf("run %s is being worked on by %s: wait for its end; nothing was sent", run, owner)
}

// row is the mended row, with as many columns as it must have.
func (r *Reject) row(columns int) ([]byte, error) {
	line := r.Base64
	if r.Text != nil {
		line = []byte(*r.Text)
	}
	switch fields := bytes.Count(line, []byte{'\t'}) + 1; {
	case r.Text == nil && r.Base64 == nil:
		return nil, errors.New(`the row has no "text": it was too large to be kept, and must be taken from the source`)
	case r.Text != nil && r.Base64 != nil:
		return nil, errors.New(`the row has both "text" and "base64": keep the one that is right`)
	case bytes.ContainsAny(line, "\r\n"):
		return nil, errors.New(`the row holds a line end: in COPY TEXT it is written \n (in JSON "\\n")`)
	case string(line) == `\.`:
		return nil, errors.New(`the row is \., which ends a COPY: a text of these characters is written \\. (in JSON "\\\\.")`)
	case !utf8.Valid(line):
		return nil, errors.New("the row is not UTF-8: mend it")
	case fields != max(columns, 1) || columns == 0 && len(line) > 0:
		return nil, fmt.Errorf("the row has %d columns where %d are expected (%s)", fields, columns, strings.Join(r.Columns, ", "))
	}
	return line, nil
}

// settle loads rows in one transaction, or in halves where it is refused.
func (m *mender) settle(ctx context.Context, rows []waiting) error {
	err := m.load(ctx, rows)
	why, refused := refusalOf(err)
	switch {
	case errors.Is(err, errGone) && len(rows) == 1:
		m.result.Gone++
		return nil
	case err == nil:
		m.result.Loaded += int64(len(rows))
		m.result.Tables[rows[0].table.String()] += int64(len(rows))
		return nil
	case !refused && !errors.Is(err, errGone):
		return fmt.Errorf("loading mended rows of %s (%s): %w; run the command again: what is loaded already is known", rows[0].table, rows[0].Where, err)
	case len(rows) == 1:
		m.result.Refused = append(m.result.Refused, RefusedRow{rows[0].Where, why.state, why.message})
		return nil
	}
	half := len(rows) / 2
	if err := m.settle(ctx, rows[:half]); err != nil {
		return err
	}
	return m.settle(ctx, rows[half:])
}

// errGone is a row that somebody else has loaded since it was looked up.
var errGone = errors.New("the refused row is not in the ledger any more")

// load loads rows of one run and table in one transaction, in which each of its
// statements is seen to run: a server that rolls back in silence must not be sent
// the rest.
func (m *mender) load(ctx context.Context, rows []waiting) (err error) {
	if err := m.step(ctx, "BEGIN", 'T'); err != nil {
		return err
	}
	defer func() {
		if err != nil && !m.conn.IsClosed() {
			_ = m.step(context.WithoutCancel(ctx), "ROLLBACK", 'I')
		}
	}()
	// In the order of their numbers, as every other writer takes them.
	byPart := slices.SortedFunc(slices.Values(rows), func(a, b waiting) int {
		if a.Part != b.Part {
			return int(a.Part - b.Part)
		}
		return int(a.Row - b.Row)
	})
	for i, r := range byPart {
		if i == 0 || byPart[i-1].Part != r.Part {
			if err := m.step(ctx, fmt.Sprintf("UPDATE _pg2db9.part SET token = '' WHERE run = %s AND part = %d", quote.Literal(r.Run), r.Part), 'T'); err != nil {
				return err
			}
		}
		tag, err := m.tag(ctx, fmt.Sprintf(`DELETE FROM _pg2db9.reject WHERE run = %s AND part = %d AND "row" = %d`, quote.Literal(r.Run), r.Part, r.Row), 'T')
		if err != nil {
			return err
		}
		if tag != "DELETE 1" {
			return errGone
		}
	}
	if err := m.copy(ctx, rows); err != nil {
		return err
	}
	for _, r := range byPart {
		if err := m.correct(ctx, r); err != nil {
			return err
		}
	}
	return m.step(ctx, "COMMIT", 'I')
}

// step runs a statement, after which the transaction must have the status.
func (m *mender) step(ctx context.Context, sql string, status byte) error {
	_, err := m.tag(ctx, sql, status)
	return err
}

func (m *mender) tag(ctx context.Context, sql string, status byte) (string, error) {
	results, err := m.conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		return "", err
	}
	word, _, _ := strings.Cut(sql, " ")
	tag := ""
	if len(results) > 0 {
		tag = results[len(results)-1].CommandTag.String()
	}
	return tag, m.is(word, tag, status)
}

// is holds an answer against what it must be.
func (m *mender) is(word, tag string, status byte) error {
	if now := m.conn.PgConn().TxStatus(); now != status || !strings.HasPrefix(tag, word) {
		return fmt.Errorf("%w: the target answered %s with %q (transaction status %q)", dial.ErrLost, word, tag, now)
	}
	return nil
}

func (m *mender) copy(ctx context.Context, rows []waiting) error {
	columns, err := readColumns(rows[0].columns)
	if err != nil {
		return err
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	sql := "COPY " + quote.Name(rows[0].table.Schema, rows[0].table.Name)
	if len(names) > 0 {
		sql += " (" + quote.Idents(names) + ")"
	}
	var b bytes.Buffer
	for _, r := range rows {
		b.Write(append(slices.Clone(r.line), '\n'))
	}
	tag, err := m.conn.PgConn().CopyFrom(ctx, &b, sql+" FROM STDIN")
	if err != nil {
		return err
	}
	if tag.RowsAffected() != int64(len(rows)) {
		return &countError{Sent: int64(len(rows)), Acked: tag.RowsAffected()}
	}
	return m.is("COPY", tag.String(), 'T')
}

// correct puts a loaded row into the digest of its span.
func (m *mender) correct(ctx context.Context, r waiting) error {
	columns, err := readColumns(r.columns)
	if err != nil {
		return err
	}
	forms := make([]digest.Canon, len(columns))
	for i, c := range columns {
		forms[i] = c.Canon
	}
	canon, err := digest.ForRow(forms)
	if err != nil {
		return fmt.Errorf("table %s: %w", r.table, err)
	}
	results, err := m.conn.PgConn().Exec(ctx, fmt.Sprintf("SELECT first, digest FROM _pg2db9.span WHERE run = %s AND part = %d AND first <= %[3]d AND last > %[3]d",
		quote.Literal(r.Run), r.Part, r.Row)).ReadAll()
	if err != nil {
		return err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 {
		return fmt.Errorf("the ledger has no batch with row %d of part %d: somebody else wrote to _pg2db9.span", r.Row, r.Part)
	}
	first, was := string(results[0].Rows[0][0]), string(results[0].Rows[0][1])
	sum, err := digest.Parse(0, was)
	if err != nil {
		return err
	}
	sum.Add(canon.Row(r.line))
	tag, err := m.tag(ctx, fmt.Sprintf("UPDATE _pg2db9.span SET digest = %s, bytes = bytes + %d WHERE run = %s AND part = %d AND first = %s AND digest = %s",
		quote.Literal(sum.Hex()), len(r.line)+1, quote.Literal(r.Run), r.Part, first, quote.Literal(was)), 'T')
	if err == nil && tag != "UPDATE 1" {
		err = fmt.Errorf("the ledger's batch with row %d of part %d could not be corrected (%s)", r.Row, r.Part, tag)
	}
	return err
}
