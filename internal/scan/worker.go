package scan

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// termsAtOnce bounds the conditions of one statement: a table of 1,600 columns
// is read several times.
const termsAtOnce = 400

// worker reads pieces on one connection.
type worker struct {
	s    *scanner
	conn *pgx.Conn
	open bool // in the snapshot's transaction
}

func (w *worker) close(ctx context.Context) {
	if w.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = w.conn.Close(ctx)
	w.conn = nil
}

// ready has a connection in the snapshot.
func (w *worker) ready(ctx context.Context) error {
	if w.conn != nil && w.conn.IsClosed() {
		w.conn = nil
	}
	if w.conn == nil {
		conn, err := w.s.p.Source.Connect(ctx, dial.Reader())
		if err != nil {
			return err
		}
		w.conn, w.open = conn, false
	}
	if w.open {
		return nil
	}
	if err := dial.BeginSnapshot(ctx, w.conn, w.s.snapshot); err != nil {
		return err
	}
	w.open = true
	if w.s.p.Timeout > 0 {
		if _, err := w.conn.Exec(ctx, fmt.Sprintf("SET LOCAL statement_timeout = %d", max(w.s.p.Timeout.Milliseconds(), 1))); err != nil {
			return fmt.Errorf("setting statement_timeout: %w", err)
		}
	}
	return nil
}

// one asks for a single row in the snapshot. After an error the transaction is
// ended; the next question opens another.
func (w *worker) one(ctx context.Context, sql string, into ...any) error {
	if err := w.ready(ctx); err != nil {
		return err
	}
	err := w.conn.QueryRow(ctx, sql, pgx.QueryExecModeExec).Scan(into...) // no two are alike: none is worth preparing
	if err != nil {
		w.failed(ctx)
	}
	return err
}

func (w *worker) failed(ctx context.Context) {
	w.open = false
	if w.conn.IsClosed() {
		return
	}
	if _, err := w.conn.Exec(ctx, "ROLLBACK"); err != nil {
		w.close(ctx)
	}
}

// counts asks how many rows of a piece there are and how many meet each
// condition.
func (w *worker) counts(ctx context.Context, pc piece, conditions []*condition) (rows int64, hits []int64, err error) {
	for first := true; first || len(conditions) > 0; first = false {
		n := min(len(conditions), termsAtOnce)
		terms := make([]string, n)
		for i, c := range conditions[:n] {
			terms[i] = "pg_catalog.count(*) FILTER (WHERE " + c.where + ")"
		}
		var part []int64
		sql := "SELECT pg_catalog.count(*), ARRAY[" + strings.Join(terms, ", ") + "]::bigint[] " + pc.r.from(pc.where())
		if err := w.one(ctx, sql, &rows, &part); err != nil {
			return 0, nil, err
		}
		hits, conditions = append(hits, part...), conditions[n:]
	}
	return rows, hits, nil
}

// piece looks at one piece, and tells its table what it saw. Only an end of the
// context is an error.
func (w *worker) piece(ctx context.Context, pc piece) error {
	if pc.t.closed(pc.r) {
		return nil
	}
	var asked []*condition
	for _, c := range pc.t.active() {
		if !c.apart {
			asked = append(asked, c)
		}
	}
	rows, hits, err := w.counts(ctx, pc, asked)
	if err != nil && lost(err) { // once more, on another connection
		rows, hits, err = w.counts(ctx, pc, asked)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
	case dial.SQLState(err) == pgerrcode.QueryCanceled:
		halves := pc.halves()
		if len(halves) == 0 {
			pc.t.missed(pc.r, fmt.Errorf("%w (a statement takes longer than the timeout)", err))
			return nil
		}
		for _, half := range halves {
			if err := w.piece(ctx, half); err != nil {
				return err
			}
		}
		return nil
	default:
		if rows, hits, err = w.oneByOne(ctx, pc, asked); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			pc.t.missed(pc.r, err)
			return nil
		}
	}
	pc.t.saw(pc, rows, asked, hits)
	if more := rows - pc.rows; more > 0 { // than the statistics said
		w.s.pace.Take(0, more)
	}
	return w.samples(ctx, pc, asked, hits)
}

// lost says that the connection, not the statement, failed.
func lost(err error) bool {
	var pg *pgconn.PgError
	return !errors.As(err, &pg) || strings.HasPrefix(pg.Code, "57P") || strings.HasPrefix(pg.Code, "08")
}

// oneByOne asks for each condition by itself, so that one that cannot be asked
// of some row takes no other with it.
func (w *worker) oneByOne(ctx context.Context, pc piece, asked []*condition) (rows int64, hits []int64, err error) {
	if rows, _, err = w.counts(ctx, pc, nil); err != nil {
		return 0, nil, err
	}
	hits = make([]int64, len(asked))
	for i, c := range asked {
		_, n, err := w.counts(ctx, pc, asked[i:i+1])
		switch {
		case ctx.Err() != nil:
			return 0, nil, ctx.Err()
		case err != nil:
			pc.t.unknown(c, err)
		default:
			hits[i] = n[0]
		}
	}
	return rows, hits, nil
}

// samples fetches the keys of some rows that meet a condition.
func (w *worker) samples(ctx context.Context, pc piece, asked []*condition, hits []int64) error {
	for i, c := range asked {
		if hits[i] == 0 {
			continue
		}
		wanted := w.s.p.Keys - pc.t.sampled(c)
		if wanted <= 0 {
			continue
		}
		keys, err := w.keys(ctx, pc, c, wanted)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil { // rows were counted; that their keys cannot be shown takes nothing from that
			pc.t.addKeys(c, keys, w.s.p.Keys)
		}
	}
	return nil
}

func (w *worker) keys(ctx context.Context, pc piece, c *condition, limit int) ([]string, error) {
	text := keyText("ctid", row+".ctid")
	if len(pc.t.keys) > 0 {
		texts := make([]string, len(pc.t.keys))
		for i, k := range pc.t.keys {
			texts[i] = keyText(k, row+"."+quote.Ident(k))
		}
		text = strings.Join(texts, " || ', ' || ")
	}
	if w.s.p.DB.Encoding == "SQL_ASCII" { // the server would refuse to send bytes that are no UTF-8
		text = "pg_catalog.encode(pg_catalog.convert_to(" + text + ", 'SQL_ASCII'), 'escape')"
	}
	var keys []string
	err := w.one(ctx, fmt.Sprintf("SELECT ARRAY(SELECT %s %s LIMIT %d)", text, pc.r.from(pc.where(), c.where), limit), &keys)
	return keys, err
}

// apart asks for the conditions that need a query of their own.
func (w *worker) apart(ctx context.Context, t *table, r *relation, c *condition) error {
	pc := piece{t: t, r: r}
	var n int64
	err := w.one(ctx, "SELECT pg_catalog.count(*) "+r.from(c.where), &n)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		t.unknown(c, err)
		return nil
	}
	t.add(pc, c, n)
	return w.samples(ctx, pc, []*condition{c}, []int64{n})
}

// ask answers a question.
func (w *worker) ask(ctx context.Context, q *question) (Item, error) {
	item := Item{Kind: q.kind, State: Found, Object: q.object, Table: q.table.tr.Source, What: q.what, Query: q.list, Refused: true}
	err := w.one(ctx, q.query, &item.Count, &item.Keys)
	if ctx.Err() != nil {
		return item, ctx.Err()
	}
	if err != nil {
		item.State, item.Why = Unknown, errorText(err)
	}
	item.Low, item.High = item.Count, item.Count
	return item, nil
}
