package copier

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// RowErrors says what becomes of a row that the target refuses.
type RowErrors string

// What becomes of a refused row.
const (
	RowTable  RowErrors = "table"  // its table fails, the others go on; the zero value means the same
	RowStop   RowErrors = "stop"   // the run stops
	RowReject RowErrors = "reject" // it is kept in the ledger, and all others are loaded
)

// DefaultMaxRejects is how many rows of a run may be refused where nobody says.
const DefaultMaxRejects = 1000

// refusal is why the target does not take a row.
type refusal struct {
	state   string // SQLSTATE
	message string
	size    bool // it is larger than the target stores
}

// unfitRowError is a row that is not sent, as the target would not take it, or would
// change it in silence.
type unfitRowError struct {
	state string
	err   error
}

func (e *unfitRowError) Error() string { return e.err.Error() }
func (e *unfitRowError) Unwrap() error { return e.err }

// sourceError is an error of the source's, whose SQLSTATE says nothing of rows
// that the target refuses.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// recordError is an error of the statements that record a batch in the ledger.
type recordError struct{ err error }

func (e *recordError) Error() string { return "recording the batch in the ledger: " + e.err.Error() }
func (e *recordError) Unwrap() error { return e.err }

// refusalOf says whether err is the target's refusal of rows that it was sent,
// on a connection that lives: the batch is then rolled back for certain.
func refusalOf(err error) (refusal, bool) {
	var unfit *unfitRowError
	if errors.As(err, &unfit) {
		return refusal{state: unfit.state, message: unfit.Error(), size: unfit.state == pgerrcode.ProgramLimitExceeded}, true
	}
	var source *sourceError
	var record *recordError
	var pg *pgconn.PgError
	if dial.Classify(err) != dial.Refused || !errors.As(err, &pg) || pg.SchemaName == ledgerSchema || errors.Is(err, dial.ErrLost) ||
		errors.Is(err, errLedgerRefused) || errors.As(err, &source) || errors.As(err, &record) {
		return refusal{}, false
	}
	message := pg.Message
	if pg.Detail != "" {
		message += " (" + pg.Detail + ")"
	}
	return refusal{state: pg.Code, message: message, size: dial.TooLarge(pg)}, true
}

const ledgerSchema = "_pg2db9"

// rejectedRow is what the ledger needs of a refused row to prove it again.
type rejectedRow struct {
	row    int64 // its number in the part
	digest string
}

// reject is a refused row on its way into the ledger.
type reject struct {
	rejectedRow
	refusal
	key    string
	length int64  // bytes, without the line end
	bytes  []byte // nil: too large for the target
}

// record is the statements that record a batch, and what they are answered with.
func (b *batch) record() (sql string, tags []string, judge func(counts []int64, err error) error) {
	sql, tags = b.claim.bind(ledgerText.span, b.token, b.span), []string{"INSERT"}
	if len(b.rejects) == 0 {
		return sql, tags, judgeRecord
	}
	// The rejects first: when the span stands, so do they.
	text := b.claim.bind(rejectSQL, b.token, b.span)
	var all strings.Builder
	for _, r := range b.rejects {
		all.WriteString(strings.Replace(strings.Replace(text, ":row", strconv.FormatInt(r.row, 10), 1), ":values", r.values(b.columns), 1) + ";")
		tags = append(tags, "INSERT")
	}
	inserts := len(tags)
	return all.String() + sql, tags, func(counts []int64, err error) error { return judgeRejects(inserts, counts, err) }
}

// judgeRejects is judgeRecord for a batch that rows were taken out of. An error
// behind all of the ledger's rows is COMMIT's.
func judgeRejects(inserts int, counts []int64, err error) error {
	if err != nil && len(counts) >= inserts {
		return err
	}
	switch dial.SQLState(err) {
	case pgerrcode.NotNullViolation, pgerrcode.UniqueViolation:
		return fmt.Errorf("%w: %w", errLedgerRefused, err)
	}
	if err != nil {
		return &recordError{err}
	}
	for _, n := range counts[:inserts] {
		if n != 1 {
			return fmt.Errorf("a ledger row was not written (INSERT of %d rows)", n)
		}
	}
	return nil
}

// values are the reject's own values in reject.sql.
func (r reject) values(columns string) string {
	bytes := "NULL"
	if r.bytes != nil {
		bytes = quote.Literal(`\x` + hex.EncodeToString(r.bytes))
	}
	return fmt.Sprintf("%s, %d, %s, %s, %s", literals(r.key, r.state, strings.ToValidUTF8(r.message, "\uFFFD")), r.length, quote.Literal(r.digest), bytes, quote.Literal(columns))
}

// column is a column of a refused row, as the ledger names it.
type column struct {
	Name  string       `json:"name"`
	Canon digest.Canon `json:"canon,omitempty"`
}

// columnsOf writes the columns of a transfer for the ledger.
func columnsOf(t *ddlgen.Transfer) string {
	list := make([]column, len(t.Columns))
	for i, c := range t.Columns {
		list[i] = column{c.Target, c.Canon}
	}
	b, err := json.Marshal(list)
	if err != nil {
		panic(err) // names and words are never refused
	}
	return string(b)
}

// mostKey is how many characters of a key column's value are kept.
const mostKey = 200

// keyOf names a row by its key: line is the row, or with whole false its beginning.
func keyOf(t *ddlgen.Transfer, line []byte, whole bool) string {
	fields := strings.Split(string(line), "\t")
	if !whole {
		fields = fields[:len(fields)-1]
	}
	var parts []string
	for _, k := range t.Key {
		for i, c := range t.Columns {
			if c.Target == k && i < len(fields) {
				parts = append(parts, fmt.Sprintf("%s=%.*s", c.Target, mostKey, strings.ToValidUTF8(fields[i], "\uFFFD")))
			}
		}
	}
	return strings.Join(parts, ", ")
}

// Refused says whether a table failed for a row that the target refuses.
func Refused(err error) bool {
	_, refused := refusalOf(err)
	return refused
}
