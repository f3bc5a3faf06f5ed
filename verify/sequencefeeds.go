package verify

import (
	"context"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// feedsAtOnce is how many columns one query asks for their ends: few, since a
// column without an index is read whole.
const feedsAtOnce = 20

// Fed is a column that takes its values from a sequence.
type Fed struct {
	Column catalog.ColumnRef `json:"column"`         // on the target
	End    string            `json:"end,omitempty"`  // max(column), min of a sequence that counts down; empty of a column without values
	Behind bool              `json:"behind"`         // the sequence's next value is not past it
	Note   string            `json:"note,omitempty"` // why nobody knows
}

// end is where the values of a column end, on the way that its sequence counts.
type end struct {
	text string // empty: the column has no values
	err  error
}

// checkFeeds asks for each column that a sequence feeds how far its values
// reach: a sequence that is not past them hands out one that is there already.
func (v *run) checkFeeds(ctx context.Context, conn *pgx.Conn) {
	var asked []ddlgen.Feed
	var down []bool
	for i := range v.report.Sequences {
		if v.report.Sequences[i].Found == nil {
			continue
		}
		for _, f := range v.p.Plan.Sequences[i].Feeds {
			asked, down = append(asked, f), append(down, v.p.Plan.Sequences[i].Increment < 0)
		}
	}
	ends := readEnds(ctx, conn, asked, down, func(f ddlgen.Feed) catalog.ColumnRef { return f.Target })
	for i := range v.report.Sequences {
		q := &v.report.Sequences[i]
		if q.Found == nil {
			continue
		}
		for range v.p.Plan.Sequences[i].Feeds {
			v.judgeFeed(q, v.p.Plan.Sequences[i], asked[0].Target, ends[0])
			asked, ends = asked[1:], ends[1:]
		}
	}
}

// judgeFeed weighs one column. A sequence that cycles comes back to values that
// it has given: nothing follows from those that are there.
func (v *run) judgeFeed(q *Sequence, want ddlgen.SequenceValue, column catalog.ColumnRef, e end) {
	fed := Fed{Column: column, End: e.text}
	switch {
	case isMissing(e.err):
		fed.Note = "it is not on the target" // which is the table's verdict
		v.note(fmt.Sprintf("column %s.%s, which sequence %s feeds, is not on the target", column.Table, column.Column, q.Target))
	case e.err != nil:
		fed.Note = fmt.Sprintf("how far its values reach is not known: %v", e.err)
		q.Verdict, q.Detail = worse(q.Verdict, Errored), sentence(q.Detail, fmt.Sprintf("column %s.%s: %s", column.Table, column.Column, fed.Note))
	case want.Cycle:
		fed.Note = "the sequence cycles: any value may be there"
	default:
		behind, err := behindEnd(*q.Found, want.Increment, e.text)
		if err != nil {
			fed.Note = err.Error()
			break
		}
		if fed.Behind = behind; behind {
			q.Verdict, q.Detail = worse(q.Verdict, Mismatch), sentence(q.Detail, behindText(*q.Found, column, e.text))
		}
	}
	q.Feeds = append(q.Feeds, fed)
}

// isMissing says that a table or column is not there.
func isMissing(err error) bool {
	switch dial.SQLState(err) {
	case pgerrcode.UndefinedTable, pgerrcode.UndefinedColumn, pgerrcode.InvalidSchemaName:
		return true
	}
	return false
}

func behindText(at Position, column catalog.ColumnRef, end string) string {
	return fmt.Sprintf("it stands at %s, and column %s.%s, which it feeds, reaches %s already: set it by pg2db9 sequences --set, or by setval",
		at, column.Table, column.Column, end)
}

// behindEnd says whether the next value of a sequence is not past the end of a
// column's values.
func behindEnd(at Position, increment int64, end string) (bool, error) {
	if end == "" {
		return false, nil
	}
	last, ok := new(big.Rat).SetString(end)
	if !ok {
		return false, fmt.Errorf("its values end with %s, which no sequence reaches", end)
	}
	next := big.NewInt(at.LastValue)
	if at.IsCalled {
		next.Add(next, big.NewInt(increment))
	}
	c := new(big.Rat).SetInt(next).Cmp(last)
	return increment > 0 && c <= 0 || increment < 0 && c >= 0, nil
}

// readEnds asks for the ends of columns, many with one query. Where that fails
// they are asked for one by one, so that each has its answer or its error.
func readEnds(ctx context.Context, conn *pgx.Conn, feeds []ddlgen.Feed, down []bool, of func(ddlgen.Feed) catalog.ColumnRef) []end {
	out := make([]end, len(feeds))
	read := func(from, to int) error {
		var sql strings.Builder
		for i := from; i < to; i++ {
			if i > from {
				sql.WriteString(" UNION ALL ")
			}
			which := "max"
			if down[i] {
				which = "min"
			}
			c := of(feeds[i])
			fmt.Fprintf(&sql, "SELECT %d, %s(%s)::text FROM %s", i, which, quote.Ident(c.Column), quote.Name(c.Table.Schema, c.Table.Name))
		}
		results, err := conn.PgConn().Exec(ctx, sql.String()).ReadAll()
		if err != nil {
			return err
		}
		if len(results) != 1 || len(results[0].Rows) != to-from {
			return errProtocol
		}
		for _, row := range results[0].Rows {
			i, err := strconv.Atoi(string(row[0]))
			if err != nil || i < from || i >= to {
				return errProtocol
			}
			out[i].text = string(row[1])
		}
		return nil
	}
	for from := 0; from < len(feeds); from += feedsAtOnce {
		to := min(from+feedsAtOnce, len(feeds))
		if read(from, to) == nil {
			continue
		}
		for i := from; i < to; i++ {
			out[i].err = read(i, i+1)
		}
	}
	return out
}

// excuseBehind asks the source about the sequences that are behind on the
// target: one that is so there too is carried as it was. That is told, and no
// difference; for who cuts over (StrictSequences) it stays one.
func (v *run) excuseBehind(ctx context.Context, conn *pgx.Conn) {
	for i := range v.report.Sequences {
		q, want := &v.report.Sequences[i], v.p.Plan.Sequences[i]
		if q.Verdict != Mismatch || q.Found == nil || *q.Found != q.Expected || len(q.Differences) > 0 || q.Now == nil {
			continue
		}
		var feeds []ddlgen.Feed
		for n, f := range q.Feeds {
			if f.Behind {
				feeds = append(feeds, want.Feeds[n])
			}
		}
		same := len(feeds) > 0 && (v.behindThen(q, want) || behindNow(ctx, conn, q, want, feeds))
		switch {
		case !same:
		case v.p.StrictSequences:
			q.Detail = sentence(q.Detail, "it is behind on the source too: set it there first")
		default:
			v.note(fmt.Sprintf("sequence %s is as far behind a column on the source as on the target: the next row that takes a number from it collides, on either side; %s", q.Target, q.Detail))
			q.Verdict, q.Detail = Match, "behind a column that it feeds, as on the source"
		}
	}
}

// behindThen says whether a sequence was behind its columns in the snapshot that
// was copied: there it stood where the plan says, beside the rows that the target
// is proved to hold. The source of now may have other rows, or none.
func (v *run) behindThen(q *Sequence, want ddlgen.SequenceValue) bool {
	for n, f := range q.Feeds {
		if !f.Behind {
			continue
		}
		behind, err := behindEnd(Position{LastValue: want.LastValue, IsCalled: want.IsCalled}, want.Increment, f.End)
		if err != nil || !behind || !v.rowsProved(want.Feeds[n].Target.Table) {
			return false
		}
	}
	return true
}

func (v *run) rowsProved(table catalog.Name) bool {
	for i := range v.report.Tables {
		if t := &v.report.Tables[i]; t.Target == table {
			return t.Data != nil && t.Data.Verdict == Match
		}
	}
	return false
}

// behindNow says whether the source's sequence is behind its columns too.
func behindNow(ctx context.Context, conn *pgx.Conn, q *Sequence, want ddlgen.SequenceValue, feeds []ddlgen.Feed) bool {
	down := make([]bool, len(feeds))
	for n := range down {
		down[n] = want.Increment < 0
	}
	for _, e := range readEnds(ctx, conn, feeds, down, func(f ddlgen.Feed) catalog.ColumnRef { return f.Source }) {
		if behind, err := behindEnd(*q.Now, want.Increment, e.text); e.err != nil || err != nil || !behind {
			return false
		}
	}
	return true
}

// askSource reads where the source's sequences stand now, on a connection of its
// own. Not to know it is no difference, but then nothing is excused by it.
func (v *run) askSource(ctx context.Context, settings dial.Settings) {
	if len(v.report.Sequences) == 0 {
		return
	}
	conn, err := v.p.Source.Connect(ctx, settings)
	if err != nil {
		v.note(fmt.Sprintf("where the source's sequences stand now is not known: %v", err))
		return
	}
	s := &session{conn: conn}
	defer s.close()
	v.sourceMajor = dial.Major(conn.PgConn())
	showLead(ctx, conn, v.report.Sequences)
	v.excuseBehind(ctx, conn)
}
