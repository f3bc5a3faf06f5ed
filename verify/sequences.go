package verify

import (
	"context"
	_ "embed" // queries
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// sequencesAtOnce is how many sequences one query reads.
const sequencesAtOnce = 200

// expectSequences lists the sequences that the plan promises, with the position
// that each was given. One that should have been set and was not stays Unknown.
func expectSequences(plan *ddlgen.Plan, set []SequenceSet) []Sequence {
	list := make([]Sequence, len(plan.Sequences))
	given := map[catalog.Name]SequenceSet{}
	for _, s := range set {
		given[s.Target] = s
	}
	for i, v := range plan.Sequences {
		q := Sequence{Target: v.Target, Source: v.Source, Expected: Position{v.LastValue, v.IsCalled}}
		if set != nil {
			s, ok := given[v.Target]
			switch {
			case !ok:
				q.Detail = "nobody says that it was set"
			case s.Err != nil:
				q.Verdict, q.Detail = Errored, fmt.Sprintf("it could not be set: %v", s.Err)
			default:
				q.Expected = Position{s.LastValue, s.IsCalled}
			}
		}
		list[i] = q
	}
	return list
}

//go:embed queries/recorded_there.sql
var recordedThereSQL string

//go:embed queries/recorded_positions.sql
var recordedSQL string

// recordedPositions is what the ledger says that sequences were set to, for a
// target that is compared long after.
func recordedPositions(ctx context.Context, conn *pgx.Conn) (map[catalog.Name]Position, error) {
	there, err := conn.PgConn().Exec(ctx, recordedThereSQL).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("asking the target whether its ledger has the positions of sequences: %w", err)
	}
	if len(there) != 1 || len(there[0].Rows) != 1 || string(there[0].Rows[0][0]) == "0" {
		return map[catalog.Name]Position{}, nil // the source alone tells
	}
	results, err := conn.PgConn().Exec(ctx, recordedSQL).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("reading where the target's sequences were set: %w", err)
	}
	recorded := map[catalog.Name]Position{}
	for _, result := range results {
		for _, row := range result.Rows {
			last, err := strconv.ParseInt(string(row[2]), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("the ledger says that sequence %s.%s was set to %q: %w", row[0], row[1], row[2], err)
			}
			recorded[catalog.Name{Schema: string(row[0]), Name: string(row[1])}] = Position{last, strings.HasPrefix(string(row[3]), "t")}
		}
	}
	return recorded, nil
}

// checkSequences reads the positions on the target and holds them against the
// expected ones: what they were set to by the ledger, where it knows. Those that
// stand as on the source by now have been set since, or never: that is as good.
func checkSequences(ctx context.Context, conn *pgx.Conn, list []Sequence, recorded map[catalog.Name]Position) {
	var names []catalog.Name
	for i := range list {
		names = append(names, list[i].Target)
	}
	found, failed := readPositions(ctx, conn, names)
	for i := range list {
		q := &list[i]
		if q.Detail != "" {
			continue // not set: what it says now proves nothing
		}
		if err := failed[q.Target]; err != nil {
			q.Verdict, q.Detail = Errored, fmt.Sprintf("it could not be read on the target: %v", err)
			if dial.SQLState(err) == "42P01" {
				q.Verdict, q.Detail = Mismatch, "it is not on the target"
			}
			continue
		}
		p, ok := found[q.Target]
		if !ok {
			continue
		}
		q.Found = &p
		q.Verdict = Match
		if set, known := recorded[q.Target]; known && p != q.Expected {
			q.Expected = set
		}
		if p != q.Expected {
			q.Verdict = Mismatch
			q.Detail = fmt.Sprintf("it was set to %s, and the target says %s", q.Expected, p)
		}
	}
}

// showLead adds where the source's sequences stand now. That is no part of the
// verdict: a sequence in use on the source goes on.
func showLead(ctx context.Context, conn *pgx.Conn, list []Sequence) {
	var names []catalog.Name
	for i := range list {
		names = append(names, list[i].Source)
	}
	found, _ := readPositions(ctx, conn, names)
	for i := range list {
		if p, ok := found[list[i].Source]; ok {
			list[i].Now = &p
		}
	}
}

// String gives the position in words.
func (p Position) String() string {
	if p.IsCalled {
		return fmt.Sprintf("%d (called)", p.LastValue)
	}
	return fmt.Sprintf("%d (not called)", p.LastValue)
}

// readPositions reads the positions of sequences, many with one query. Where a
// query fails its sequences are asked one by one, so that the one at fault is
// named and the others have their answer. Each name gets a position or an error.
func readPositions(ctx context.Context, conn *pgx.Conn, names []catalog.Name) (map[catalog.Name]Position, map[catalog.Name]error) {
	found, failed := map[catalog.Name]Position{}, map[catalog.Name]error{}
	for at := 0; at < len(names); at += sequencesAtOnce {
		some := names[at:min(at+sequencesAtOnce, len(names))]
		if readSome(ctx, conn, some, found) == nil {
			continue
		}
		for i := range some {
			if err := readSome(ctx, conn, some[i:i+1], found); err != nil {
				failed[some[i]] = err
			}
		}
	}
	return found, failed
}

func readSome(ctx context.Context, conn *pgx.Conn, names []catalog.Name, found map[catalog.Name]Position) error {
	var sql strings.Builder
	for i, n := range names {
		if i > 0 {
			sql.WriteString(" UNION ALL ")
		}
		fmt.Fprintf(&sql, "SELECT %d, last_value::text, is_called::text FROM %s", i, quote.Name(n.Schema, n.Name))
	}
	results, err := conn.PgConn().Exec(ctx, sql.String()).ReadAll()
	if err != nil {
		return err
	}
	if len(results) != 1 || len(results[0].Rows) != len(names) {
		return errors.New("the server did not answer for every sequence")
	}
	for _, row := range results[0].Rows {
		i, err := strconv.Atoi(string(row[0]))
		if err != nil || i < 0 || i >= len(names) {
			return fmt.Errorf("the server answered for a sequence %q that was not asked for", row[0])
		}
		last, err := strconv.ParseInt(string(row[1]), 10, 64)
		if err != nil {
			return fmt.Errorf("reading last_value: %w", err)
		}
		called, err := strconv.ParseBool(string(row[2]))
		if err != nil {
			return fmt.Errorf("reading is_called: %w", err)
		}
		found[names[i]] = Position{last, called}
	}
	return nil
}
