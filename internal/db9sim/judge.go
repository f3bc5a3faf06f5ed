package db9sim

import (
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgproto3"
	pg "github.com/pganalyze/pg_query_go/v6"
	pgquery "github.com/wasilibs/go-pgquery"
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
		stmt, err := j.one(cut(text, raw), raw)
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

// one judges one statement.
func (j *judge) one(text string, raw *pg.RawStmt) (*statement, error) {
	return &statement{text: text, sql: text, raw: raw}, nil
}
