package sourcefacts

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/dial"
)

const (
	// rounds is how often two connections take turns. A pooler that hands its
	// sessions round in a ring of up to as many is seen.
	rounds = 4
	// connects is how many connections are asked which server they lead to: a
	// balancer of two that throws a coin is missed once in 8.
	connects = 4
)

// Between finds out by behaviour whether connections reach the server itself,
// and the same one: a transaction pooler gives statements of one session to
// several of the server's, which loses settings, locks and snapshots; a balancer
// leads each connection to another server, where a snapshot cannot be joined.
// It opens up to three connections at once, and writes nothing.
func Between(ctx context.Context, connect func(context.Context) (*pgx.Conn, error)) (Pooler, error) {
	p := Pooler{Asked: true, Evidence: []string{}}
	b := &between{p: &p}
	a, err := connect(ctx)
	if err != nil {
		return p, err
	}
	defer closeConn(ctx, a)
	other, err := connect(ctx)
	if err != nil {
		return p, err
	}
	defer closeConn(ctx, other)
	if err := b.servers(ctx, connect, a, other); err != nil {
		return p, err
	}
	if err := b.sessions(ctx, a, other); err != nil {
		return p, err
	}
	if !p.Transaction {
		if err := b.snapshot(ctx, a, other); err != nil {
			return p, err
		}
	}
	return p, nil
}

type between struct{ p *Pooler }

// see records a sign, once.
func (b *between) see(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(b.p.Evidence, text) {
		b.p.Evidence = append(b.p.Evidence, text)
	}
}

// ask runs statements by the simple protocol and gives the last one's row: the
// extended one would be two messages, which a transaction pooler may give to two
// sessions.
func ask(ctx context.Context, conn *pgx.Conn, sql string) ([]string, error) {
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("asking what stands before the source: %w", err)
	}
	last := results[len(results)-1]
	if len(last.Rows) != 1 {
		return nil, nil
	}
	out := make([]string, len(last.Rows[0]))
	for i, v := range last.Rows[0] {
		out[i] = string(v)
	}
	return out, nil
}

const whichServer = `SELECT pg_catalog.pg_postmaster_start_time()::pg_catalog.text, pg_catalog.pg_is_in_recovery()::pg_catalog.text,
	(SELECT d.oid::pg_catalog.text FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())`

// servers compares who answers.
func (b *between) servers(ctx context.Context, connect func(context.Context) (*pgx.Conn, error), first, second *pgx.Conn) error {
	was, err := b.server(ctx, first)
	if err != nil {
		return err
	}
	for n := 1; n < connects && !b.p.Balanced; n++ {
		conn := second
		if n > 1 {
			if conn, err = connect(ctx); err != nil {
				return err
			}
		}
		is, err := b.server(ctx, conn)
		if n > 1 {
			closeConn(ctx, conn)
		}
		if err != nil {
			return err
		}
		for i, what := range []string{"servers that were started at different times", "a primary and a standby", "databases with different identifiers", "clusters with different system identifiers"} {
			if was[i] != is[i] && was[i] != "" && is[i] != "" {
				b.p.Balanced = true
				b.see("connections lead to %s (%s, %s)", what, was[i], is[i])
			}
		}
	}
	return nil
}

// server is who answers on a connection: start, whether it is a standby, the
// database's OID, the cluster's identifier where it is told.
func (b *between) server(ctx context.Context, conn *pgx.Conn) ([4]string, error) {
	var id [4]string
	row, err := ask(ctx, conn, whichServer)
	if err != nil {
		return id, err
	}
	copy(id[:3], row)
	row, err = ask(ctx, conn, "SELECT system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system()")
	switch {
	case err == nil && len(row) == 1:
		id[3] = row[0]
	case err != nil && !refused(err):
		return id, err
	}
	return id, nil
}

// marker is a setting that no server has: one that is lost, or seen by another
// connection, was given to another of the server's sessions.
const marker = "pg2db9.marker"

// sessions lets two connections take turns: while one holds a transaction open
// the other's next statement must find its own session as it left it.
func (b *between) sessions(ctx context.Context, a, other *pgx.Conn) error {
	word := rand.Text()
	row, err := ask(ctx, a, "SET "+marker+" = '"+word+"'; SELECT pg_catalog.pg_backend_pid()::pg_catalog.text")
	if err != nil {
		return err
	}
	pid := row[0]
	if strconv.FormatUint(uint64(a.PgConn().PID()), 10) != pid {
		b.p.Session = true
		b.see("the process that answers is not the one that the connection was told of")
	}
	look := "SELECT pg_catalog.pg_backend_pid()::pg_catalog.text, COALESCE(pg_catalog.current_setting('" + marker + "', true), '')"
	for range rounds {
		row, err := ask(ctx, other, "BEGIN; "+look)
		if err != nil {
			return err
		}
		if row[0] == pid || row[1] == word {
			b.p.Transaction = true
			b.see("two connections shared one session of the server")
		}
		row, err = ask(ctx, a, look)
		if err != nil {
			return err
		}
		if row[0] != pid {
			b.p.Transaction = true
			b.see("statements of one connection reached different sessions of the server")
		}
		if row[1] != word {
			b.p.Transaction = true
			b.see("a SET did not outlive its transaction")
		}
		if _, err := ask(ctx, other, "ROLLBACK"); err != nil {
			return err
		}
	}
	if b.p.Transaction {
		b.p.Session = false
	}
	_, err = ask(ctx, a, "RESET "+marker)
	return err
}

// snapshot lets the one connection join the snapshot of the other, which is what
// every run does.
func (b *between) snapshot(ctx context.Context, a, other *pgx.Conn) error {
	row, err := ask(ctx, a, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_catalog.pg_export_snapshot()")
	if err != nil {
		return err
	}
	_, joined := ask(ctx, other, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '"+row[0]+"'")
	switch dial.SQLState(joined) {
	case "":
		if joined != nil {
			return joined
		}
		b.p.Snapshot = true
	case pgerrcode.InvalidParameterValue, pgerrcode.UndefinedObject, pgerrcode.ObjectNotInPrerequisiteState:
		b.p.Balanced = true
		b.see("the snapshot of one connection does not exist for another")
	default:
		return joined
	}
	for _, c := range []*pgx.Conn{a, other} {
		if _, err := ask(ctx, c, "ROLLBACK"); err != nil {
			return err
		}
	}
	return nil
}

func closeConn(ctx context.Context, conn *pgx.Conn) { _ = conn.Close(context.WithoutCancel(ctx)) }
