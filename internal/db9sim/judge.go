package db9sim

import (
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgproto3"
	pg "github.com/pganalyze/pg_query_go/v6"
	pgquery "github.com/wasilibs/go-pgquery"
	"google.golang.org/protobuf/proto"
)

// refusal is an error that a client gets.
type refusal struct {
	code    string // SQLSTATE
	message string
	detail  string
	hint    string
	fatal   bool // the connection ends with it
}

func refuse(code, format string, args ...any) *refusal {
	return &refusal{code: code, message: fmt.Sprintf(format, args...)}
}

func (r *refusal) response() *pgproto3.ErrorResponse {
	severity := "ERROR"
	if r.fatal {
		severity = "FATAL"
	}
	return &pgproto3.ErrorResponse{
		Severity: severity, SeverityUnlocalized: severity,
		Code: r.code, Message: r.message, Detail: r.detail, Hint: r.hint,
	}
}

// statement is one statement, judged. It is shared by sessions and not changed.
type statement struct {
	text    string      // as the client sent it
	sql     string      // what the backend is sent
	raw     *pg.RawStmt // of text, not of sql; nil where the parser cannot read text
	tag     string      // of the answer; "" is the backend's own
	refuse  *refusal    // instead of running it
	notices []*pgproto3.NoticeResponse

	types  []string // names of types that the backend must be asked about before this can be judged
	checks []check  // what refuses it depending on what the database holds
	then   []string // run after it, when it has succeeded
	setter bool     // it sets a parameter beyond its transaction
	later  string   // run on a connection of its own, after sql was answered
}

// check refuses a statement for which sql gives a row.
type check struct {
	sql    string
	refuse *refusal
	alone  bool // two sessions could both pass it: one waits for the other's statement
}

// tx returns the statement as one that begins or ends transactions, or nil.
func (s *statement) tx() *pg.TransactionStmt {
	if s.raw == nil {
		return nil
	}
	return s.raw.GetStmt().GetTransactionStmt()
}

// copy returns the statement as a COPY, or nil.
func (s *statement) copy() *pg.CopyStmt {
	if s.raw == nil {
		return nil
	}
	return s.raw.GetStmt().GetCopyStmt()
}

// judge turns the text of a query into statements, each with its verdict.
type judge struct {
	rules    *RuleSet
	catalogs *catalogs
	settings map[string]bool // names of the backend's parameters, in lower case
	arrays   map[uint32]bool // OIDs of the backend's array types

	mu    sync.Mutex
	cache map[string][]*statement
	bytes int // of the texts in cache
}

const (
	cacheBytes = 8 << 20  // of texts, whose trees are some ten times larger
	cacheText  = 64 << 10 // a longer text is unlikely to come again
)

func newJudge(rules *RuleSet, catalogs *catalogs) *judge {
	return &judge{rules: rules, catalogs: catalogs, cache: map[string][]*statement{}}
}

// statements parses and judges a text. A text that the parser cannot read is
// one statement, left to the backend's own parser to refuse.
func (j *judge) statements(text string) ([]*statement, error) {
	j.mu.Lock()
	known, ok := j.cache[text]
	j.mu.Unlock()
	if ok {
		return known, nil
	}
	list, err := j.parse(text)
	if err != nil {
		return nil, err
	}
	if len(text) > cacheText {
		return list, nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.bytes += len(text); j.bytes > cacheBytes {
		clear(j.cache)
		j.bytes = len(text)
	}
	j.cache[text] = list
	return list, nil
}

func (j *judge) parse(text string) ([]*statement, error) {
	tree, err := pgquery.Parse(text)
	if err != nil {
		return []*statement{{text: text, sql: text}}, nil //nolint:nilerr // the backend refuses it in its own words
	}
	list := make([]*statement, 0, len(tree.GetStmts()))
	for _, raw := range tree.GetStmts() {
		stmt, err := j.one(cut(text, raw), raw, nil)
		if err != nil {
			return nil, err
		}
		list = append(list, stmt)
	}
	return list, nil
}

// cut returns the part of a text that a statement is.
func cut(text string, raw *pg.RawStmt) string {
	from := int(raw.GetStmtLocation())
	to := len(text)
	if n := int(raw.GetStmtLen()); n > 0 {
		to = from + n
	}
	return strings.TrimSpace(text[from:to])
}

// one judges one statement; types are what the backend said of the types that
// an earlier judgement asked for.
func (j *judge) one(text string, raw *pg.RawStmt, types map[string]string) (*statement, error) {
	v := verdict{rules: j.rules, types: types, out: &statement{text: text, sql: text, raw: raw}}
	if j.rules.Empty() {
		return v.out, nil
	}
	tree, ok := proto.Clone(raw).(*pg.RawStmt)
	if !ok {
		return nil, fmt.Errorf("cloning a parse tree gave another type: %T", raw)
	}
	v.kinds(tree.GetStmt())
	v.expressions(tree)
	changed, r := j.catalogs.rewrite(tree)
	if v.out.refuse == nil {
		v.out.refuse = r
	}
	if (v.changed || changed) && v.out.refuse == nil && v.out.sql == text {
		sql, err := pgquery.Deparse(&pg.ParseResult{Stmts: []*pg.RawStmt{tree}})
		if err != nil {
			return nil, fmt.Errorf("writing a statement as the backend is to run it: %w", err)
		}
		v.out.sql = sql
	}
	if v.background {
		v.out.later = v.out.sql
		v.nothing("CREATE INDEX")
	}
	return v.out, nil
}

// verdict is the judgement of one statement in the making. Its methods change
// the parse tree where DB9 would change the statement in silence.
type verdict struct {
	rules   *RuleSet
	types   map[string]string // pg_type.typtype by quoted name, "" if there is none
	changed bool              // the tree is no longer what the client sent

	columns    []string // names of the types of a table's columns
	background bool     // the statement is answered first and run later
	out        *statement
}

// no refuses the statement where the rule is on, if nothing has yet.
func (v *verdict) no(rule, code, format string, args ...any) {
	if v.out.refuse == nil && v.rules.On(rule) {
		v.out.refuse = refuse(code, format, args...)
	}
}

// does reports whether the rule is on, and with it that the tree is changed.
func (v *verdict) does(rule string) bool {
	on := v.rules.On(rule)
	v.changed = v.changed || on
	return on
}

// nothing has the statement do nothing and answer with its tag.
func (v *verdict) nothing(tag string) { v.instead(`SET "db9sim.nothing" = ''`, tag) }

// instead has another statement run.
func (v *verdict) instead(sql, tag string) { v.out.sql, v.out.tag = sql, tag }
