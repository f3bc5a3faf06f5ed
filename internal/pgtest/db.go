package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// cleanupTimeout bounds what runs after a test.
const cleanupTimeout = 30 * time.Second

// DBOptions says what a database is to be.
type DBOptions struct {
	Template string // "" is template0
	Encoding string // "" is UTF8
	Locale   string // "" is the cluster's, or C for another encoding
	Owner    string // "" is the superuser
}

// DB is one test's database.
type DB struct {
	Name string
	URL  string

	cluster *Cluster
}

// Database makes an empty database that is dropped when the test ends, whoever
// is still connected to it.
func (c *Cluster) Database(tb testing.TB, opts ...DBOptions) *DB {
	tb.Helper()
	var o DBOptions
	if len(opts) > 0 {
		o = opts[0]
	}
	name := databaseName(tb.Name())
	var sql strings.Builder
	fmt.Fprintf(&sql, "CREATE DATABASE %s TEMPLATE %s ENCODING '%s'", name, or(o.Template, "template0"), or(o.Encoding, "UTF8"))
	if o.Locale == "" && o.Encoding != "" && !strings.EqualFold(o.Encoding, "UTF8") {
		o.Locale = "C" // the only one that goes with every encoding
	}
	if o.Locale != "" {
		fmt.Fprintf(&sql, " LC_COLLATE '%[1]s' LC_CTYPE '%[1]s'", o.Locale)
	}
	if o.Owner != "" {
		fmt.Fprintf(&sql, " OWNER %s", pgx.Identifier{o.Owner}.Sanitize())
	}
	if err := c.admin(tb.Context(), sql.String()); err != nil {
		tb.Fatalf("create a database: %v", err)
	}
	tb.Cleanup(func() {
		if c.server != nil && c.server.PID() == 0 {
			return // stopped by the test; the whole cluster goes
		}
		ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
		defer cancel()
		if err := c.drop(ctx, name); err != nil {
			tb.Logf("drop the test's database: %v", err)
		}
	})
	return &DB{Name: name, URL: c.URL(name), cluster: c}
}

// Drop removes the database, for a test that needs its room.
func (db *DB) Drop(tb testing.TB) {
	tb.Helper()
	if err := db.cluster.drop(tb.Context(), db.Name); err != nil {
		tb.Fatalf("drop the database: %v", err)
	}
}

// drop removes a database with what would hold it: FORCE ends sessions, but
// not replication slots.
func (c *Cluster) drop(ctx context.Context, name string) error {
	return c.admin(ctx,
		"SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = '"+name+"' AND active",
		"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '"+name+"' AND NOT active",
		"DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
}

// admin runs statements, each by itself, in database postgres.
func (c *Cluster) admin(ctx context.Context, statements ...string) error {
	conn, err := pgconn.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql).ReadAll(); err != nil {
			return err
		}
	}
	return nil
}

// databaseName makes a name that is the test's own on any server, and needs no
// quotes.
func databaseName(test string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, test)
	if len(clean) > 40 {
		clean = clean[:40]
	}
	return clean + "_" + strings.ToLower(rand.Text()[:10])
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Cluster is where the database is.
func (db *DB) Cluster() *Cluster { return db.cluster }

// Conn connects to the database until the test ends.
func (db *DB) Conn(tb testing.TB) *pgx.Conn {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), db.URL)
	if err != nil {
		tb.Fatalf("connect to the test's database: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
		defer cancel()
		_ = conn.Close(ctx) // the test may have broken it
	})
	return conn
}

// Exec runs SQL, any number of statements, on a connection of its own. As in
// psql -c, the statements are one transaction if they do not say otherwise.
func (db *DB) Exec(tb testing.TB, sql string) {
	tb.Helper()
	db.run(tb, sql)
}

// QueryString runs SQL and returns what it gives as text, as psql -At does:
// columns separated by |, rows by newlines, NULL empty.
func (db *DB) QueryString(tb testing.TB, sql string) string {
	tb.Helper()
	var lines []string
	for _, r := range db.run(tb, sql) {
		for _, row := range r.Rows {
			cols := make([]string, len(row))
			for i, v := range row {
				cols[i] = string(v)
			}
			lines = append(lines, strings.Join(cols, "|"))
		}
	}
	return strings.Join(lines, "\n")
}

func (db *DB) run(tb testing.TB, sql string) []*pgconn.Result {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context()) // also from a Cleanup
	conn, err := pgconn.Connect(ctx, db.URL)
	if err != nil {
		tb.Fatalf("connect to the test's database: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		tb.Fatalf("run SQL: %v\n%s", err, shorten(sql))
	}
	return results
}

// shorten keeps a failure readable.
func shorten(sql string) string {
	const most = 2000
	if len(sql) <= most {
		return sql
	}
	return sql[:most] + "…"
}
