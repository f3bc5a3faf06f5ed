package probe

import (
	"slices"
	"strconv"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/ddlgen/plsql"
)

// Rule says what one fact, or several together, change in the profile. A fact
// in doubt changes nothing.
type Rule struct {
	Probes []int
	When   string // the facts, for people
	Field  string // of the profile file
	Then   string // what it becomes, and what acts otherwise by it

	apply func(r *Result, p *ddlgen.Profile)
}

// window is how many batches are on their way on one connection where
// pipelining is proved: at 2 MB each more than any link holds, and no more
// memory than a job may use.
const window = 8

var rules = []Rule{
	{
		Probes: []int{5}, Field: "statement_limit_ms, idle_limit_ms",
		When: "the timeouts read back, once set to 0",
		Then: "the value read back, in ms: 0 is no bound. Batches, index builds and reads are sized to stay below half of it",
		apply: func(r *Result, p *ddlgen.Profile) {
			f := r.Fact(5)
			if !f.answered() {
				return
			}
			if ms, err := strconv.ParseInt(f.Values["statement_ms"], 10, 64); err == nil {
				p.StatementLimit = ms
			}
			if ms, err := strconv.ParseInt(f.Values["idle_ms"], 10, 64); err == nil {
				p.IdleLimit = ms
			}
		},
	},
	{
		Probes: []int{5, 6, 14, 29, 31}, Field: "await, window",
		When: "both timeouts read back 0; a failed transaction refuses statements; a COPY in a transaction is atomic; COPY drops no row in silence; statements sent ahead are done in order and refused after a failure",
		Then: "false, and " + strconv.Itoa(window) + ": that many batches are on their way on a connection before the first one's answer is read; otherwise each answer is awaited",
		apply: func(r *Result, p *ddlgen.Profile) {
			counts := r.Fact(29)
			if r.proved(5, 6, 31) && r.Fact(14).is("transaction", "atomic") && counts.is("wrong-count", refused) && counts.is("empty-line", kept) {
				p.Await, p.Window = false, max(p.Window, window)
			}
		},
	},
	{
		Probes: []int{5, 15}, Field: "read_by_key",
		When: "COPY TO takes queries and quoted names, and prints values as PostgreSQL does; the timeouts read back 0",
		Then: "false: verification reads tables by COPY TO; otherwise by SELECT in pages of the key",
		apply: func(r *Result, p *ddlgen.Profile) {
			if r.proved(5, 15) {
				p.ReadByKey = false
			}
		},
	},
	{
		Probes: []int{26}, Field: "full_catalog",
		When: "pg_catalog has all columns that are needed, describes a table as it is, and its OIDs have 32 bits",
		Then: "true: definitions are read from pg_catalog; otherwise from information_schema, pg_indexes and behaviour",
		apply: func(r *Result, p *ddlgen.Profile) {
			if r.proved(26) {
				p.FullCatalog = true
			}
		},
	},
	{
		Probes: []int{9}, Field: "timestamp_digits",
		When: "timestamps keep microseconds",
		Then: "6: timestamps travel as they are; otherwise they are rounded to milliseconds on the source, which is a finding",
		apply: func(r *Result, p *ddlgen.Profile) {
			if r.proved(9) {
				p.TimestampDigits = 6
			}
		},
	},
	{
		Probes: []int{11}, Field: "interval_digits",
		When: "interval keeps days and microseconds",
		Then: "6: intervals travel as they are; otherwise they are rounded to milliseconds on the source, which is a finding",
		apply: func(r *Result, p *ddlgen.Profile) {
			if f := r.Fact(11); f.answered() && all(f.Values, kept, "day", "hours", "micro") {
				p.IntervalDigits = 6
			}
		},
	},
	{
		Probes: []int{10}, Field: "numeric_digits",
		When: "numeric keeps a hundred digits, 29 places and NaN",
		Then: "0: no bound; otherwise a wider numeric is refused before anything is written",
		apply: func(r *Result, p *ddlgen.Profile) {
			if r.proved(10) {
				p.NumericDigits = 0
			}
		},
	},
	{
		Probes: []int{23}, Field: "deferrable",
		When: "DEFERRABLE, NULLS NOT DISTINCT, MATCH FULL and SET NULL (columns) all act",
		Then: "true: constraints keep them; otherwise they are made without, which is a finding",
		apply: func(r *Result, p *ddlgen.Profile) {
			if f := r.Fact(23); f.answered() && all(f.Values, enforced, "deferrable", "nulls-not-distinct", "match-full", "set-columns") {
				p.Deferrable = true
			}
		},
	},
	{
		Probes: []int{23}, Field: "exclusion",
		When: "an exclusion constraint acts",
		Then: "true: they are made; otherwise each is left behind, which is a finding",
		apply: func(r *Result, p *ddlgen.Profile) {
			if r.Fact(23).is("exclude", enforced) {
				p.Exclusion = true
			}
		},
	},
	{
		Probes: []int{23}, Field: "not_valid",
		When: "a constraint that is NOT VALID acts on new rows",
		Then: "true: constraints that were never validated are made as such; otherwise left behind",
		apply: func(r *Result, p *ddlgen.Profile) {
			if r.Fact(23).is("not-valid", enforced) {
				p.NotValid = true
			}
		},
	},
	{
		Probes: []int{17}, Field: "row_security",
		When: "a second role sees the rows that a policy shows it, and no others",
		Then: "true: with --policies row security and policies are made; otherwise each is left behind, which is a finding",
		apply: func(r *Result, p *ddlgen.Profile) {
			if r.proved(17) {
				p.RowSecurity = true
			}
		},
	},
	{
		Probes: []int{20}, Field: "statement_triggers",
		When: "a trigger FOR EACH STATEMENT fires once, and what it wrote is seen by its transaction",
		Then: "true: such triggers are made; otherwise each is left behind, which is a finding",
		apply: func(r *Result, p *ddlgen.Profile) {
			if r.Fact(20).is("statement", works) {
				p.StatementLevel = true
			}
		},
	},
	{
		Probes: []int{20}, Field: "after_triggers",
		When: "what an AFTER trigger FOR EACH ROW wrote is seen by its transaction",
		Then: "true: no finding says that AFTER triggers may come late",
		apply: func(r *Result, p *ddlgen.Profile) {
			if r.Fact(20).is("row", works) {
				p.AfterTriggers = true
			}
		},
	},
	{
		Probes: []int{21}, Field: "identity_always",
		When: "an ALWAYS column refuses a value by INSERT and takes one by COPY",
		Then: "true: GENERATED ALWAYS stays; otherwise it becomes BY DEFAULT, which is a finding",
		apply: func(r *Result, p *ddlgen.Profile) {
			if f := r.Fact(21); f.is("always", kept) && f.is("copy-into-always", kept) {
				p.IdentityAlways = true
			}
		},
	},
	{
		Probes: []int{22}, Field: "generated",
		When: "a STORED column that an insert is read back from is not computed",
		Then: "false: generated columns become plain ones and their values are copied, which is a finding",
		apply: func(r *Result, p *ddlgen.Profile) {
			if f := r.Fact(22); f.Outcome == Refuted && f.Finding != "" {
				p.Generated = false
			}
		},
	},
	{
		Probes: []int{12}, Field: "arrays",
		When: "COPY stores hostile elements, nested arrays and bounds as sent",
		Then: "true: arrays stay arrays; otherwise they travel as jsonb (decimals as json), which is a finding",
		apply: func(r *Result, p *ddlgen.Profile) {
			if f := r.Fact(12); f.answered() && all(f.Values, kept, "array-numbers", "array-nested", "array-bounds") {
				p.Arrays = true
			}
		},
	},
	{
		Probes: []int{29}, Field: "copy_null",
		When: `\N of COPY is NULL in a column with a default`,
		Then: "true: defaults stand in CREATE TABLE; otherwise those of columns that may be NULL are set after the rows",
		apply: func(r *Result, p *ddlgen.Profile) {
			if r.Fact(29).is("null", kept) {
				p.CopyNull = true
			}
		},
	},
	{
		Probes: []int{29}, Field: "empty_lines",
		When: "an empty line of COPY into one column is a row",
		Then: "true: not looked for; otherwise empty texts in tables of one column block the run before anything is written",
		apply: func(r *Result, p *ddlgen.Profile) {
			if r.Fact(29).is("empty-line", kept) {
				p.EmptyLines = true
			}
		},
	},
	{
		Probes: []int{12}, Field: "json_digits",
		When: "a long number of jsonb keeps its digits",
		Then: "true: not looked for; otherwise numbers of jsonb that 64 bits do not hold block the run before anything is written",
		apply: func(r *Result, p *ddlgen.Profile) {
			if r.Fact(12).is("json-digits", kept) {
				p.JSONDigits = true
			}
		},
	},
	{
		Probes: []int{9}, Field: "time_specials",
		When: "timestamps take infinity and years BC",
		Then: "true: not looked for; otherwise such dates and timestamps block the run before anything is written",
		apply: func(r *Result, p *ddlgen.Profile) {
			if f := r.Fact(9); f.is("infinity", kept) && f.is("bc", kept) {
				p.TimeSpecials = true
			}
		},
	},
	{
		Probes: []int{16, 25}, Field: "index_methods",
		When: "an access method is used (brin, hash, spgist), accepted (ivfflat), or refused (gin, gist, hnsw)",
		Then: "with it, or without: an index of a method that is not in the list becomes btree, or is left behind",
		apply: func(r *Result, p *ddlgen.Profile) {
			if len(p.IndexMethods) == 0 {
				return // all already
			}
			methods := slices.Clone(p.IndexMethods)
			f := r.Fact(16)
			for _, m := range []string{"brin", "hash", "spgist", "ivfflat"} {
				if (f.is(m, "used") || f.is(m, "accepted")) && !slices.Contains(methods, m) {
					methods = append(methods, m)
				}
			}
			for _, m := range []string{"gin", "gist"} {
				if f.is(m, refused) || f.is(m, "other") {
					methods = without(methods, m)
				}
			}
			if r.Fact(25).is("hnsw", refused) {
				methods = without(methods, "hnsw")
			}
			p.IndexMethods = methods
		},
	},
	{
		Probes: []int{16}, Field: "slow_methods",
		When: "EXPLAIN shows that a GIN or GiST index is used",
		Then: "without it: no finding says that its queries may scan the table",
		apply: func(r *Result, p *ddlgen.Profile) {
			for _, m := range p.SlowMethods {
				if r.Fact(16).is(m, "used") {
					p.SlowMethods = without(p.SlowMethods, m)
				}
			}
		},
	},
	{
		Probes: []int{19}, Field: "constructs",
		When: "a function with the construct answers rightly when it is called: WHILE, LOOP, CONTINUE, FOREACH, EXECUTE, an EXCEPTION block, a cursor, GET DIAGNOSTICS",
		Then: "with it: routines that use it are carried; otherwise each is left behind, which is a finding",
		apply: func(r *Result, p *ddlgen.Profile) {
			if len(p.Constructs) == 0 {
				return // all already
			}
			for key, kind := range map[string]plsql.Kind{
				"while": plsql.While, "loop": plsql.Loop, "continue": plsql.Continue, "foreach": plsql.Foreach, "execute": plsql.Execute,
				"exception": plsql.Exception, "cursor": plsql.Cursor, "diagnostics": plsql.Diagnostics,
			} {
				if r.Fact(19).is(key, works) && !slices.Contains(p.Constructs, string(kind)) {
					p.Constructs = append(p.Constructs, string(kind))
				}
			}
			slices.Sort(p.Constructs)
		},
	},
	{
		Probes: []int{19}, Field: "overloads",
		When: "a second function of a name, with other arguments, is refused or is not told from the first",
		Then: "false: of several routines of a name the first is carried; otherwise all are tried",
		apply: func(r *Result, p *ddlgen.Profile) {
			if f := r.Fact(19); f.answered() && f.Values["overload"] != "" && !f.is("overload", works) {
				p.Overloads = false
			}
		},
	},
	{
		Probes: []int{27}, Field: "row_bytes",
		When: "the largest row that was taken, of 9, 7, 4, 2 and 1 MiB",
		Then: "its size: a longer row is refused before it is sent",
		apply: func(r *Result, p *ddlgen.Profile) {
			f := r.Fact(27)
			if !f.answered() {
				return
			}
			if n, err := strconv.ParseInt(f.Values["row_bytes"], 10, 64); err == nil && p.RowBytes > 0 {
				p.RowBytes = max(n, 1<<20-1) // where not even 1 MiB was taken, what is below was not asked
			}
		},
	},
}

func without(list []string, item string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == item })
}

// Rules are the written rules of Apply, in the order they are applied.
func Rules() []Rule { return slices.Clone(rules) }

// Apply corrects a profile by what was found out. It is pure: the same facts
// and profile give the same profile, and neither is changed. A fact in doubt
// changes nothing, and no rule looks at a version.
func (r *Result) Apply(p ddlgen.Profile) ddlgen.Profile {
	p.IndexMethods, p.SlowMethods = slices.Clone(p.IndexMethods), slices.Clone(p.SlowMethods)
	p.Extensions, p.Constructs = slices.Clone(p.Extensions), slices.Clone(p.Constructs)
	for _, rule := range rules {
		rule.apply(r, &p)
	}
	return p
}
