package verify

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
)

// sequenceDef is how a sequence counts.
type sequenceDef struct {
	increment, min, max int64
	cycle               bool
}

// compareSequenceDef adds what of a sequence's definition is not as planned.
// Where types are mapped, a target that has one integer type alone gives its
// sequences wider bounds: no value is lost by that.
func compareSequenceDef(q *Sequence, want ddlgen.SequenceValue, found sequenceDef, mapped bool) {
	differ := func(what, expected, found string) {
		q.Differences = append(q.Differences, Difference{What: what, Expected: expected, Found: found})
	}
	number := func(what string, want, found int64) {
		if want != found {
			differ(what, strconv.FormatInt(want, 10), strconv.FormatInt(found, 10))
		}
	}
	number("increment", want.Increment, found.increment)
	if !mapped || found.min > want.Min {
		number("minimum", want.Min, found.min)
	}
	if !mapped || found.max < want.Max {
		number("maximum", want.Max, found.max)
	}
	if want.Cycle != found.cycle {
		differ("cycle", strconv.FormatBool(want.Cycle), strconv.FormatBool(found.cycle))
	}
}

// checkSequenceDefs reads increments, bounds and cycles back.
func (v *run) checkSequenceDefs(ctx context.Context, conn *pgx.Conn) {
	list := v.report.Sequences
	var schemas []string
	for i := range list {
		if v.p.Plan.Sequences[i].Increment != 0 { // else the plan does not say
			schemas = append(schemas, list[i].Target.Schema)
		}
	}
	slices.Sort(schemas)
	schemas = slices.Compact(schemas)
	if len(schemas) == 0 {
		return
	}
	found, err := readSequenceDefs(ctx, conn, schemas, !v.p.Profile.FullCatalog)
	for i := range list {
		q, want := &list[i], v.p.Plan.Sequences[i]
		if want.Increment == 0 || q.Found == nil {
			continue // not there, or not to be read: said already
		}
		if err != nil {
			q.Verdict, q.Detail = worse(q.Verdict, Errored), sentence(q.Detail, fmt.Sprintf("its definition could not be read: %v", err))
			continue
		}
		def, told := found[q.Target]
		if !told {
			if v.p.Profile.FullCatalog {
				q.Verdict, q.Detail = worse(q.Verdict, Unknown), sentence(q.Detail, "the target tells nothing of its definition")
				continue
			}
			q.Assumed = append(q.Assumed, "increment, bounds and cycle")
			continue
		}
		before := len(q.Differences)
		compareSequenceDef(q, want, def, v.p.Profile.Map)
		for _, d := range q.Differences[before:] {
			q.Verdict, q.Detail = worse(q.Verdict, Mismatch), sentence(q.Detail, fmt.Sprintf("%s: expected %s, found %s", d.What, d.Expected, d.Found))
		}
	}
}

// sentence puts a fact behind others.
func sentence(before, fact string) string {
	if before == "" {
		return fact
	}
	return before + "; " + fact
}

// sequencesView is pg_sequence by name, in information_schema's words.
const sequencesView = "(SELECT n.nspname AS sequence_schema, c.relname AS sequence_name, s.seqincrement AS increment, s.seqmin AS minimum_value, s.seqmax AS maximum_value, " +
	"CASE WHEN s.seqcycle THEN 'YES' ELSE 'NO' END AS cycle_option FROM pg_catalog.pg_sequence s " +
	"JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace) s"

// readSequenceDefs reads the sequences of schemas from pg_sequence; of a target
// that is no PostgreSQL from information_schema, which has no OIDs, and may leave
// out those of identity columns.
func readSequenceDefs(ctx context.Context, conn *pgx.Conn, schemas []string, foreign bool) (map[catalog.Name]sequenceDef, error) {
	found := map[catalog.Name]sequenceDef{}
	view := sequencesView
	if foreign {
		view = "information_schema.sequences"
	}
	for _, schema := range schemas {
		rows, err := readView(ctx, conn, view, "sequence_schema", schema)
		if err != nil {
			if foreign && lacks(err) {
				return found, nil
			}
			return nil, fmt.Errorf("reading sequences of the target: %w", err)
		}
		for _, r := range rows {
			if def, ok := parseSequenceDef(r); ok {
				found[catalog.Name{Schema: schema, Name: r["sequence_name"]}] = def
			}
		}
	}
	return found, nil
}

func parseSequenceDef(r infoRow) (def sequenceDef, ok bool) {
	for _, f := range []struct {
		column string
		to     *int64
	}{{"increment", &def.increment}, {"minimum_value", &def.min}, {"maximum_value", &def.max}} {
		n, err := strconv.ParseInt(r[f.column], 10, 64)
		if err != nil {
			return def, false
		}
		*f.to = n
	}
	switch strings.ToUpper(r["cycle_option"]) {
	case "YES":
		def.cycle = true
	case "NO":
	default:
		return def, false
	}
	return def, true
}
