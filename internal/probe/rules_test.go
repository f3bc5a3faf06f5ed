package probe

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
)

// wide is a result in which every claim is proved.
func wide() *Result {
	r := &Result{}
	values := map[int]map[string]string{
		5:  {"statement_ms": "0", "idle_ms": "0"},
		11: {"day": kept, "hours": kept, "micro": kept, "timetz": kept},
		14: {"autocommit": "atomic", "transaction": "atomic"},
		9:  {"infinity": kept, "bc": kept},
		12: {"json-digits": kept, "array-numbers": kept, "array-nested": kept, "array-bounds": kept},
		16: {"gin": "used", "gist": "used", "hash": "used", "brin": "used", "spgist": "used", "ivfflat": "accepted"},
		21: {"always": kept, "copy-into-always": kept},
		23: {"deferrable": enforced, "nulls-not-distinct": enforced, "match-full": enforced, "set-columns": enforced, "exclude": enforced, "not-valid": enforced},
		20: {"row": works, "statement": works},
		25: {"hnsw": works},
		27: {"row_bytes": "9437184"},
		29: {"wrong-count": refused, "empty-line": kept, "null": kept},
	}
	for _, p := range probes {
		f := p.fact()
		f.Outcome, f.Values = Proved, values[p.number]
		r.Facts = append(r.Facts, f)
	}
	return r
}

// fact changes one fact.
func (r *Result) set(number int, o Outcome, values map[string]string) *Result {
	f := &r.Facts[number-1]
	f.Outcome = o
	if values != nil {
		merged := map[string]string{}
		for k, v := range f.Values {
			merged[k] = v
		}
		for k, v := range values {
			merged[k] = v
		}
		f.Values = merged
	}
	return r
}

// assume is a result in which all probes have the outcome and say nothing.
func assume(o Outcome) *Result {
	r := &Result{}
	for _, p := range probes {
		f := p.fact()
		f.Outcome = o
		r.Facts = append(r.Facts, f)
	}
	return r
}

func TestApplyWide(t *testing.T) {
	t.Parallel()
	before := ddlgen.DB9()
	after := wide().Apply(before)
	require.Equal(t, ddlgen.DB9(), before, "the profile given stays as it is")
	want := ddlgen.DB9()
	want.Await, want.Window = false, 8
	want.StatementLimit, want.IdleLimit = 0, 0
	want.ReadByKey, want.FullCatalog = false, true
	want.Exclusion, want.Deferrable, want.NotValid, want.IdentityAlways = true, true, true, true
	want.IndexMethods = []string{"btree", "gin", "gist", "hnsw", "brin", "hash", "spgist", "ivfflat"}
	want.SlowMethods = []string{}
	want.TimestampDigits, want.IntervalDigits, want.NumericDigits = 6, 6, 0
	want.RowBytes = 9 << 20
	want.RowSecurity, want.StatementLevel, want.AfterTriggers = true, true, true
	want.Arrays, want.CopyNull, want.EmptyLines, want.JSONDigits, want.TimeSpecials = true, true, true, true, true
	require.Equal(t, want, after)
	require.Equal(t, after, wide().Apply(after), "once more changes nothing")
}

// What is in doubt, skipped, or was never asked leaves the profile as it is.
func TestApplyDoubt(t *testing.T) {
	t.Parallel()
	for _, r := range []*Result{assume(Assumed), assume(Skipped), assume(Unset), {}} {
		require.Empty(t, Changes(ddlgen.DB9(), r.Apply(ddlgen.DB9())))
		require.Empty(t, Changes(ddlgen.Postgres(), r.Apply(ddlgen.Postgres())))
	}
	// A refusal without a value says nothing either.
	require.Empty(t, Changes(ddlgen.DB9(), assume(Refuted).Apply(ddlgen.DB9())))
	// Values of a probe in doubt are not looked at.
	r := wide()
	for i := range r.Facts {
		r.Facts[i].Outcome = Assumed
	}
	require.Empty(t, Changes(ddlgen.DB9(), r.Apply(ddlgen.DB9())))
}

// A column that is not computed travels as a plain one.
func TestApplyGenerated(t *testing.T) {
	t.Parallel()
	r := wide().set(22, Refuted, nil)
	r.Facts[22-1].Finding = "dropped"
	require.Contains(t, Changes(ddlgen.DB9(), r.Apply(ddlgen.DB9())), "generated: true -> false")
}

func TestApply(t *testing.T) {
	t.Parallel()
	const (
		pipelined = "await: true -> false"
		byCopy    = "read_by_key: true -> false"
	)
	for _, c := range []struct {
		name    string
		r       *Result
		changed []string // that stand among the changes
		kept    []string // fields that do not change
	}{
		{
			name: "timeouts capped", r: wide().set(5, Refuted, map[string]string{"statement_ms": "30000", "idle_ms": "600000"}),
			changed: []string{"statement_limit_ms: 60000 -> 30000", "idle_limit_ms: 60000 -> 600000"}, kept: []string{"await", "window", "read_by_key"},
		},
		{
			name: "one lifted", r: wide().set(5, Refuted, map[string]string{"statement_ms": "0", "idle_ms": "60000"}),
			changed: []string{"statement_limit_ms: 60000 -> 0"}, kept: []string{"idle_limit_ms", "await"},
		},
		{name: "arrays guessed", r: wide().set(12, Refuted, map[string]string{"array-nested": "refused"}), changed: []string{pipelined}, kept: []string{"arrays"}},
		{name: "default for NULL", r: wide().set(29, Refuted, map[string]string{"null": "default"}), kept: []string{"copy_null"}},
		{name: "timeouts in doubt", r: wide().set(5, Assumed, nil), kept: []string{"statement_limit_ms", "idle_limit_ms", "await", "window", "read_by_key"}},
		{name: "silent rollback", r: wide().set(6, Refuted, nil), changed: []string{byCopy}, kept: []string{"await", "window"}},
		{name: "state in doubt", r: wide().set(6, Assumed, nil), kept: []string{"await", "window"}},
		{name: "autocommit rotates", r: wide().set(14, Refuted, map[string]string{"autocommit": "every-5000"}), changed: []string{pipelined}},
		{name: "transaction not atomic", r: wide().set(14, Refuted, map[string]string{"transaction": "every-5000"}), kept: []string{"await", "window"}},
		{name: "rows skipped", r: wide().set(29, Refuted, map[string]string{"wrong-count": "skipped"}), kept: []string{"await", "window"}},
		{name: "lines dropped", r: wide().set(29, Refuted, map[string]string{"empty-line": lost}), kept: []string{"await", "window"}},
		{name: "nulls become defaults", r: wide().set(29, Refuted, map[string]string{"null": "default"}), changed: []string{pipelined}},
		{name: "no pipelining", r: wide().set(31, Refuted, nil), kept: []string{"await", "window"}},
		{name: "COPY TO refused", r: wide().set(15, Refuted, nil), changed: []string{pipelined}, kept: []string{"read_by_key"}},
		{name: "partial catalog", r: wide().set(26, Refuted, nil), kept: []string{"full_catalog"}},
		{name: "milliseconds", r: wide().set(9, Refuted, nil), changed: []string{"interval_digits: 3 -> 6"}, kept: []string{"timestamp_digits"}},
		{name: "days are hours", r: wide().set(11, Refuted, map[string]string{"day": "as 24:00:00"}), changed: []string{"timestamp_digits: 3 -> 6"}, kept: []string{"interval_digits"}},
		{name: "no timetz", r: wide().set(11, Refuted, map[string]string{"timetz": refused}), changed: []string{"interval_digits: 3 -> 6"}},
		{name: "28 digits", r: wide().set(10, Refuted, nil), kept: []string{"numeric_digits"}},
		{
			name: "one form lost", r: wide().set(23, Refuted, map[string]string{"match-full": lost, "exclude": refused}),
			changed: []string{"not_valid: false -> true"}, kept: []string{"deferrable", "exclusion"},
		},
		{name: "policies ignored", r: wide().set(17, Refuted, nil), kept: []string{"row_security"}},
		{name: "policies in doubt", r: wide().set(17, Assumed, nil), kept: []string{"row_security"}},
		{name: "triggers of a statement never fire", r: wide().set(20, Refuted, map[string]string{"statement": "not seen"}), changed: []string{"after_triggers: false -> true"}, kept: []string{"statement_triggers"}},
		{name: "triggers fire late", r: wide().set(20, Refuted, map[string]string{"row": "later"}), changed: []string{"statement_triggers: false -> true"}, kept: []string{"after_triggers"}},
		{name: "ALWAYS lost", r: wide().set(21, Refuted, map[string]string{"always": lost}), kept: []string{"identity_always"}},
		{name: "COPY into ALWAYS refused", r: wide().set(21, Refuted, map[string]string{"copy-into-always": refused}), kept: []string{"identity_always"}},
		{
			name: "indexes refused", r: wide().set(16, Refuted, map[string]string{"gin": refused, "gist": "scan", "hash": "scan", "brin": refused, "spgist": refused, "ivfflat": refused}).set(25, Refuted, map[string]string{"hnsw": refused}),
			changed: []string{`index_methods: ["btree","gin","gist","hnsw"] -> ["btree","gist"]`}, kept: []string{"slow_methods"},
		},
		{name: "smaller rows", r: wide().set(27, Refuted, map[string]string{"row_bytes": "2097152"}), changed: []string{"row_bytes: 7340032 -> 2097152"}},
		{name: "no rows of 1 MiB", r: wide().set(27, Refuted, map[string]string{"row_bytes": "0"}), changed: []string{"row_bytes: 7340032 -> 1048575"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			changes := Changes(ddlgen.DB9(), c.r.Apply(ddlgen.DB9()))
			for _, x := range c.changed {
				require.Contains(t, changes, x)
			}
			for _, field := range c.kept {
				require.False(t, slices.ContainsFunc(changes, func(x string) bool { return strings.HasPrefix(x, field+":") }), "%s in %v", field, changes)
			}
		})
	}
}

// Each rule names fields that a profile has, and what it changes is in one of
// them.
func TestRulesNameFields(t *testing.T) {
	t.Parallel()
	known := fields(ddlgen.DB9())
	named := map[string]bool{}
	for _, r := range Rules() {
		for field := range strings.SplitSeq(r.Field, ", ") {
			require.Contains(t, known, field)
			named[field] = true
		}
	}
	for _, c := range Changes(ddlgen.DB9(), wide().Apply(ddlgen.DB9())) {
		field, _, _ := strings.Cut(c, ":")
		require.True(t, named[field], c)
	}
}

// A profile that bounds nothing is not narrowed by what is proved.
func TestApplyToPostgres(t *testing.T) {
	t.Parallel()
	require.Empty(t, Changes(ddlgen.Postgres(), wide().Apply(ddlgen.Postgres())))
}
