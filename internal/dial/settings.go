package dial

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// Settings is what a session must run under. Use Reader or Writer.
type Settings struct {
	params []param
}

type param struct {
	name  string
	value string
	since int    // server_version_num / 10000 that knows the parameter first
	reads string // what SHOW prints, where it is not value
}

// common makes text the same whatever the role, database or server sets as a
// default, and lets nothing cut a long run short. PostgreSQL reads and writes
// values in COPY TEXT by these.
var common = []param{
	{name: "statement_timeout", value: "0"},
	{name: "lock_timeout", value: "0"},
	{name: "idle_in_transaction_session_timeout", value: "0"},
	{name: "idle_session_timeout", value: "0", since: 14},
	{name: "transaction_timeout", value: "0", since: 17},
	{name: "client_encoding", value: "UTF8"},
	{name: "DateStyle", value: "ISO, MDY"},
	{name: "IntervalStyle", value: "postgres"},
	{name: "TimeZone", value: "UTC"},
	{name: "extra_float_digits", value: "3"},
	{name: "bytea_output", value: "hex"},
	{name: "search_path", value: "", reads: `""`},
}

// Reader are the settings of a session that reads tables. Without row_security
// off, policies hide rows from COPY without a word; with it a policy that would
// is an error. synchronize_seqscans and parallel workers off keep the order of
// rows in a part repeatable.
func Reader() Settings {
	return Settings{params: append(slices.Clone(common),
		param{name: "row_security", value: "off"},
		param{name: "synchronize_seqscans", value: "off"},
		param{name: "max_parallel_workers_per_gather", value: "0"},
	)}
}

// Writer are the settings of a session that writes to the target.
func Writer() Settings {
	return Settings{params: append(slices.Clone(common),
		// COPY of xml content that is no document is refused otherwise.
		param{name: "xmloption", value: "content"},
	)}
}

// With returns the settings with one more.
func (s Settings) With(name, value string) Settings {
	return Settings{params: append(slices.Clone(s.params), param{name: name, value: value})}
}

// RawMoney makes money travel as the digits it is stored as: with the same
// lc_monetary on both sides no value is scaled by a locale's fraction digits.
func (s Settings) RawMoney() Settings { return s.With("lc_monetary", "C") }

// Major returns the server's major version as it reports it, 0 if it does not.
func Major(conn *pgconn.PgConn) int {
	v := conn.ParameterStatus("server_version")
	if i := strings.IndexFunc(v, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		v = v[:i]
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		return 0
	}
	return n
}

// apply sets all parameters in one round trip and reads them back in another.
// SET and not startup options: poolers drop those.
func (s Settings) apply(ctx context.Context, conn *pgconn.PgConn) error {
	major := Major(conn)
	var set, show strings.Builder
	var want []param
	for _, p := range s.params {
		if p.since > major {
			continue
		}
		want = append(want, p)
		if p.name == "search_path" {
			set.WriteString("SET search_path = '';")
		} else {
			fmt.Fprintf(&set, "SET %s = %s;", quote.Ident(p.name), quote.Literal(p.value))
		}
		fmt.Fprintf(&show, "SHOW %s;", quote.Ident(p.name))
	}
	if _, err := conn.Exec(ctx, set.String()).ReadAll(); err != nil {
		return fmt.Errorf("setting session parameters: %w", err)
	}
	results, err := conn.Exec(ctx, show.String()).ReadAll()
	if err != nil {
		return fmt.Errorf("reading session parameters back: %w", err)
	}
	for i, p := range want {
		expect := p.value
		if p.reads != "" {
			expect = p.reads
		}
		got := ""
		if i < len(results) && len(results[i].Rows) == 1 && len(results[i].Rows[0]) == 1 {
			got = string(results[i].Rows[0][0])
		}
		if got != expect {
			return fmt.Errorf("the server took %s = %q but shows %q: values would not travel in a form that both sides read the same way",
				p.name, p.value, got)
		}
	}
	return nil
}

// BeginSnapshot opens a read-only transaction in an exported snapshot.
func BeginSnapshot(ctx context.Context, conn *pgx.Conn, snapshot string) error {
	sql := "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;SET TRANSACTION SNAPSHOT " + quote.Literal(snapshot)
	if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		return fmt.Errorf("joining snapshot %s: %w", snapshot, err)
	}
	return nil
}
