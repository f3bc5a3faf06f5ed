package dial

import (
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Settings is what a session must run under. Use Reader, Writer or Asker.
type Settings struct {
	params      []param
	statementMS int64 // what the user's work is cut to, where statement_timeout cannot be lifted; 0: it must be
	idleMS      int64
	foreign     bool // the server may be no PostgreSQL
	anyLimit    bool
	streams     bool // the server sends tables here
}

// strength says what it means that a parameter does not take.
type strength int

const (
	// must is an error: rows would travel in another form than both sides expect.
	must strength = iota + 1
	// native is one too on PostgreSQL. Other servers take the word for it without
	// effect, or do not know it: there it is a wish.
	native
	// limit cuts long work short. It must read back 0, or what the settings plan for.
	limit
	// wish is better to have. It is neither read back nor missed.
	wish
)

type param struct {
	name     string
	value    string
	strength strength
	since    int    // server_version_num / 10000 that knows the parameter first
	reads    string // what SHOW prints, where it is not value
	idle     bool   // a limit of waiting, not of working
}

// common makes text the same whatever the role, database or server sets as a
// default, and lets nothing cut a long run short. PostgreSQL reads and writes
// values in COPY TEXT by these.
var common = []param{
	{name: "statement_timeout", value: "0", strength: limit},
	{name: "lock_timeout", value: "0", strength: limit},
	{name: "idle_in_transaction_session_timeout", value: "0", strength: limit, idle: true},
	{name: "idle_session_timeout", value: "0", strength: limit, idle: true, since: 14},
	{name: "transaction_timeout", value: "0", strength: limit, since: 17},
	// Else a statement whose client has gone runs to its end, and is seen there to be for nobody.
	{name: "client_connection_check_interval", value: "2000", strength: wish, since: 14},
	{name: "client_encoding", value: "UTF8", strength: must},
	{name: "standard_conforming_strings", value: "on", strength: must}, // how our own literals are read
	{name: "DateStyle", value: "ISO, MDY", strength: must},
	{name: "IntervalStyle", value: "postgres", strength: must},
	{name: "TimeZone", value: "UTC", strength: must},
	{name: "search_path", value: "", reads: `""`, strength: must},
	{name: "extra_float_digits", value: "3", strength: native},
	{name: "bytea_output", value: "hex", strength: native},
}

// Reader are the settings of a session that reads tables. Without row_security
// off, policies hide rows from COPY without a word; with it a policy that would
// is an error. synchronize_seqscans and parallel workers off keep the order of
// rows in a part repeatable.
func Reader() Settings {
	return Settings{streams: true, params: append(slices.Clone(common),
		param{name: "row_security", value: "off", strength: native},
		param{name: "synchronize_seqscans", value: "off", strength: native},
		param{name: "max_parallel_workers_per_gather", value: "0", strength: native},
		// Else every type and definition is written with quotes.
		param{name: "quote_all_identifiers", value: "off", strength: native},
	)}
}

// Writer are the settings of a session that writes to the target.
func Writer() Settings {
	return Settings{params: append(slices.Clone(common),
		// COPY of xml content that is no document is refused otherwise.
		param{name: "xmloption", value: "content", strength: native},
		// Routines are created before what their bodies name, and in any order.
		param{name: "check_function_bodies", value: "off", strength: wish},
	)}
}

// Asker are the settings of a session that only asks a server about itself,
// before it is known which server it is: limits are lifted where that is
// possible, and no more is expected.
func Asker() Settings {
	s := Writer().Foreign()
	s.anyLimit = true
	return s
}

// With returns the settings with one more, which must read back.
func (s Settings) With(name, value string) Settings {
	s.params = append(slices.Clone(s.params), param{name: name, value: value, strength: must})
	return s
}

// RawMoney makes money travel as the digits it is stored as: with the same
// lc_monetary on both sides no value is scaled by a locale's fraction digits.
func (s Settings) RawMoney() Settings {
	s.params = append(slices.Clone(s.params), param{name: "lc_monetary", value: "C", strength: native})
	return s
}

// Lookups makes the planner use an index wherever there is one. Of a table without
// statistics, and of one whose rows have just come, it would guess that to read all of
// it is better.
func (s Settings) Lookups() Settings {
	s.params = append(slices.Clone(s.params),
		param{name: "enable_seqscan", value: "off", strength: wish},
		param{name: "jit", value: "off", strength: wish, since: 11},
		param{name: "max_parallel_workers_per_gather", value: "0", strength: wish},
	)
	return s
}

// WithLimits returns the settings for work that is cut to limits: statements
// (and what they wait for) of up to statementMS milliseconds, and waits inside
// of a transaction of up to idleMS. A server that does not lift its own limits
// may show these or longer ones; 0 is a limit that must be lifted.
func (s Settings) WithLimits(statementMS, idleMS int64) Settings {
	s.statementMS, s.idleMS = statementMS, idleMS
	return s
}

// Foreign returns the settings for a server that may be no PostgreSQL: what
// only PostgreSQL has need not take effect there.
func (s Settings) Foreign() Settings {
	s.foreign = true
	return s
}

// kind is the strength of a parameter under these settings.
func (s Settings) kind(p param) strength {
	if p.strength == native {
		if s.foreign {
			return wish
		}
		return must
	}
	return p.strength
}

// plan is what the work is cut to (milliseconds) where a limit stays.
func (s Settings) plan(p param) int64 {
	if p.idle {
		return s.idleMS
	}
	return s.statementMS
}

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
