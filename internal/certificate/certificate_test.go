package certificate

import (
	"bytes"
	"encoding/json"
	"html"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/ui/htmlpage/pagetest"
	"github.com/pg2db9/pg2db9/verify"
)

// facts are of a run with something of every kind; word stands where other
// people's texts do.
func facts(word string) Facts {
	at := time.Date(2026, 3, 4, 5, 6, 7, 891_234_567, time.FixedZone("", 3600))
	name := func(s string) catalog.Name { return catalog.Name{Schema: "public", Name: s} }
	good, bad, without := name("orders"), name(word), name("raw")
	five := verify.Position{LastValue: 5, IsCalled: true}
	return Facts{
		Report: &verify.Report{
			Tables: []verify.Table{
				{
					Target: good, Source: good, Verdict: verify.Match, Detail: "2 rows equal", At: at, Shape: verify.Shape{Verdict: verify.Match, Assumed: []string{"index orders_at"}},
					Data: &verify.Data{
						Verdict: verify.Match, Obtained: verify.SourceRead, Level: verify.LevelRows, Read: 2, Framed: 2, Counted: 2, Bytes: 80,
						SourceDigest: strings.Repeat("0a", 16), TargetDigest: strings.Repeat("0a", 16), Excused: []verify.Excused{{Why: "digits of a second beyond 3", Column: "at", Rows: 1}},
					},
				},
				{
					Target: bad, Source: bad, Verdict: verify.Mismatch, Detail: word + " postgres://u:secret@h/d", At: at,
					Shape: verify.Shape{Verdict: verify.Mismatch, Differences: []verify.Difference{{Column: word, What: "type", Expected: "text", Found: word}}},
					Data: &verify.Data{
						Verdict: verify.Mismatch, Obtained: verify.CopyStream, Level: verify.LevelDigest, Read: 3, Counted: 2, SourceDigest: strings.Repeat("01", 16),
						TargetDigest: strings.Repeat("02", 16), Found: &verify.RowsFound{Missing: 1, Extra: 2, Changed: 3}, NotLocalised: word,
					},
				},
				{Target: without, Source: without, Verdict: verify.Skipped, Detail: "as asked", At: at, Data: &verify.Data{Verdict: verify.Skipped, Err: "without data", Read: -1, Framed: -1, Counted: -1}},
			},
			Sequences: []verify.Sequence{{Target: name("s"), Source: name("s"), Verdict: verify.Match, Expected: five, Found: &five, Detail: word}},
			Views:     []verify.View{{Target: name("v"), Source: name("v"), Materialized: true, Verdict: verify.Errored, Detail: word, SourceRows: 4, TargetRows: -1}},
			Behaviour: []verify.Check{{Object: word, Kind: "check", What: word, Verdict: verify.Skipped, Detail: word}},
			Level:     verify.LevelRows, ExpectedTables: 3, ExpectedSequences: 1, ExpectedViews: 1, AllowSkipped: true, Complete: true,
			Definitions: &verify.Definitions{Major: 16, Told: []string{"index", "view"}, Relations: []verify.DefinedRelation{
				{Name: good, Objects: []verify.DefinedObject{{Kind: "index", Name: word, State: "invalid", Text: "CREATE INDEX " + word, Digest: verify.DigestOf("CREATE INDEX " + word)}}},
				{Name: bad},
				{Name: name("v"), View: true, Objects: []verify.DefinedObject{{Kind: "view", Text: strings.Repeat("é", 1500), Digest: verify.DigestOf(strings.Repeat("é", 1500))}}},
			}},
			Notes: []string{word}, Started: at, Elapsed: time.Minute,
		},
		Plan: &ddlgen.Plan{
			SourceHash: "abc",
			Transfers: []ddlgen.Transfer{
				{
					Target: good, Source: good, Relations: []catalog.Name{good}, Key: []string{"id"}, Where: []string{"id > 1"},
					Columns: []ddlgen.ColumnTransfer{
						{Source: "id", Target: "id", TargetType: "integer", ReadBack: "id"},
						{Source: "at", Target: "at", TargetType: "timestamp(3) without time zone", ReadBack: "at", Canon: "timestamp", Loss: "microseconds"},
					},
				},
				{Target: bad, Source: bad, Relations: []catalog.Name{bad}, Columns: []ddlgen.ColumnTransfer{{Source: word, Target: word, TargetType: word, ReadBack: word, Loss: word}}},
				{Target: without, Source: without, NoData: "--exclude-table-data"},
			},
			Expect: []ddlgen.ExpectedTable{{Name: good, Columns: []ddlgen.ExpectedColumn{
				{Name: "id", Type: "integer", NotNull: true}, {Name: "at", Type: "timestamp(3) without time zone"}, {Name: "double", Type: "integer", Generated: catalog.GeneratedStored},
			}}},
			Sequences: []ddlgen.SequenceValue{{Source: name("s"), Target: name("s"), LastValue: 5, IsCalled: true, Increment: 1, Min: 1, Max: 9}},
		},
		Profile:  ddlgen.DB9(),
		Findings: []finding.Finding{{Code: "object.left", Severity: finding.Left, Object: finding.Object{Kind: "rule", Schema: "public", Parent: word, Name: word}, Message: word}, {Code: "x", Severity: finding.Change}},
		ID:       "r1", Command: "verify", Tool: "1.2.3", Options: []string{"level=" + word},
		Source: Server{URL: "postgres://u@a/d", Version: "PostgreSQL 16"}, Target: Server{URL: "postgres://u@b/d", Version: word},
		Snapshot: &Snapshot{ID: "00000003-1", Taken: at}, Simulated: true,
	}
}

func made(t *testing.T, f Facts) *Certificate {
	t.Helper()
	c, err := New(f)
	require.NoError(t, err)
	return c
}

func written(t *testing.T, write func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, write(&b))
	return b.Bytes()
}

func jsonOf(t *testing.T, c *Certificate) []byte {
	t.Helper()
	return written(t, func(b *bytes.Buffer) error { return c.JSON(b) })
}

func pageOf(t *testing.T, c *Certificate) []byte {
	t.Helper()
	return written(t, func(b *bytes.Buffer) error { return c.HTML(b) })
}

// The shape of the file, which others read: `go test ./internal/certificate
// -run Golden` with UPDATE=1 writes it. It holds no password, and is the same
// whenever it is made from the same facts; reading it gives it back.
func TestGoldenCertificate(t *testing.T) {
	t.Parallel()
	path := filepath.Join("testdata", "certificate.json")
	text := jsonOf(t, made(t, facts("it's \"<new>\" \u2028")))
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile(path, text, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(text))
	require.NotContains(t, string(text), "secret")
	c, err := Parse(text)
	require.NoError(t, err)
	require.Equal(t, string(text), string(jsonOf(t, c)))
	require.Equal(t, "NOT EQUAL: of 3 tables, 4 rows, 1 sequence, 1 view, 1 differs: table public.it's \"<new>\" \u2028; 1 could not be checked: view public.v", c.Summary)
}

// Whatever byte of a certificate is changed is noticed, or changes nothing that
// it says; so is every entry that is taken out, moved or doubled, and a key that
// stands twice.
func TestEveryChangeIsNoticed(t *testing.T) {
	t.Parallel()
	f := facts("n")
	f.Profile = ddlgen.Profile{Name: "db9"}
	c := made(t, f)
	text := jsonOf(t, c)
	before := ""
	for n := range c.Entries { // each byte of each entry, by the link that Parse asks for
		entry, hash := must(t, c.Entries[n]), c.Entries[n].Hash
		for i := range entry {
			flipped := bytes.Clone(entry)
			flipped[i] ^= 1
			v, err := decode(flipped)
			fields, ok := v.(map[string]any)
			if err != nil || !ok || fields["hash"] != hash {
				continue
			}
			if made, err := link(before, v); err == nil && made == hash {
				require.Failf(t, "a change was not noticed", "byte %d of entry %d: %q", i, n+1, around(entry, i))
			}
		}
		before = hash
	}
	short := must(t, c)
	for i := 0; i < len(short); i += 97 {
		flipped := bytes.Clone(short)
		flipped[i] ^= 1
		_, err := Parse(flipped)
		var b *BrokenError
		require.ErrorAs(t, err, &b, "byte %d of %q", i, around(short, i))
	}
	for i := range c.Entries {
		for what, change := range map[string]func(*Certificate){
			"verdict": func(x *Certificate) { x.Entries[i].Kind += "x" },
			"out":     func(x *Certificate) { x.Entries = append(x.Entries[:i:i], x.Entries[i+1:]...) },
			"twice":   func(x *Certificate) { x.Entries = append(x.Entries, x.Entries[i]) },
			"moved": func(x *Certificate) {
				j := (i + 1) % len(x.Entries)
				x.Entries[i], x.Entries[j] = x.Entries[j], x.Entries[i]
			},
			"rehashed": func(x *Certificate) { x.Entries[i].Hash = x.Seal[:63] + "z" },
		} {
			x := *c
			x.Entries = append([]Entry{}, c.Entries...)
			change(&x)
			_, err := Parse(jsonOf(t, &x))
			var b *BrokenError
			require.ErrorAs(t, err, &b, "entry %d %s", i, what)
		}
	}
	cut := *c // at its end, with a seal that fits
	cut.Entries = c.Entries[:len(c.Entries)-1]
	cut.Seal = cut.Entries[len(cut.Entries)-1].Hash
	_, err := Parse(jsonOf(t, &cut))
	require.ErrorContains(t, err, "entries")
	_, err = Parse(bytes.Replace(text, []byte(`"source": 3`), []byte(`"source": 3, "source": 3`), 1))
	require.ErrorContains(t, err, "stands twice")
	_, err = Parse(bytes.Replace(text, []byte(`"target": 2,`), []byte(`"target": 3,`), 1))
	require.ErrorContains(t, err, "entry 2 (table public.orders) was changed")
}

func must(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

func around(text []byte, i int) string { return string(text[max(0, i-20):min(len(text), i+20)]) }

// The page escapes every text of others, fetches nothing, says first what is not
// equal, and can be read as the file can; a page whose words were changed, not its
// entries, is noticed too.
func TestPage(t *testing.T) {
	t.Parallel()
	const name = `</style><script>alert(1)</script></code><code id="certificate"><img src=x onerror=alert(2)>"'&` + "`\n{{.}}"
	c := made(t, facts(name))
	page := pageOf(t, c)
	pagetest.FetchesNothing(t, string(page))
	text := html.UnescapeString(string(page))
	require.Less(t, strings.Index(text, "<h1>NOT EQUAL"), strings.Index(text, "orders"))
	for _, s := range []string{"1 row with digits of a second beyond 3 in at", "microseconds", "index orders_at", "id > 1", "values of column double", c.Seal, "00000003-1", "object.left"} {
		require.Contains(t, text, s)
	}
	got, err := read(page, "1.2.3")
	require.NoError(t, err)
	require.Equal(t, string(jsonOf(t, c)), string(jsonOf(t, got)))
	other := bytes.Replace(page, []byte("of 3 equal"), []byte("of 9 equal"), 1)
	require.NotEqual(t, string(page), string(other))
	_, err = read(other, "1.2.3")
	require.ErrorContains(t, err, "the page says other things")
	_, err = read(other, "1.2.4")
	require.NoError(t, err, "another version's page may look otherwise")
	_, err = read([]byte("<html></html>"), "1.2.3")
	require.ErrorContains(t, err, "a page without the entries")
}

// The first line, for each way that a verification ends.
func TestSummary(t *testing.T) {
	t.Parallel()
	of := func(change func(*verify.Report)) string {
		f := facts("n")
		r := f.Report
		r.Tables, r.ExpectedTables = r.Tables[:1:1], 1
		r.Views, r.ExpectedViews, r.Behaviour = nil, 0, nil
		change(r)
		return made(t, f).Summary
	}
	for want, change := range map[string]func(*verify.Report){
		"1 table, 2 rows, all equal but for 1 row as announced; 1 sequence too": func(*verify.Report) {},
		"1 table, 2 rows, all equal": func(r *verify.Report) {
			r.Sequences, r.ExpectedSequences, r.Tables[0].Data.Excused = nil, 0, nil
		},
		"1 table, 2 rows, counts equal; contents were not compared, as asked; 1 sequence too":     func(r *verify.Report) { r.Level = verify.LevelCounts },
		"1 table, definitions equal; rows were not looked at, as asked; 1 sequence too":           func(r *verify.Report) { r.Level = verify.LevelSchema },
		"NOT PROVED: of 1 table, 2 rows, 1 sequence, 1 could not be checked: table public.orders": func(r *verify.Report) { r.Tables[0].Verdict = verify.Unknown },
		"NOT PROVED: of 1 table, 2 rows, 1 sequence, the verification did not come to its end":    func(r *verify.Report) { r.Complete = false },
		"NOT PROVED: of 1 table, 2 rows, 1 sequence, not everything was looked at":                func(r *verify.Report) { r.ExpectedTables = 2 },
		"NOT EQUAL: of 1 table, 2 rows, 1 sequence, 2 differ: table public.orders, sequence public.s": func(r *verify.Report) {
			r.Tables[0].Verdict, r.Sequences[0].Verdict = verify.Mismatch, verify.Mismatch
		},
	} {
		require.Equal(t, want, of(change))
	}
}

// A certificate that was sealed anew on purpose has nothing executed that stands
// in it.
func TestRecheckExecutesNoTextOfTheFile(t *testing.T) {
	t.Parallel()
	f := facts("n")
	for i := range f.Plan.Transfers {
		for k := range f.Plan.Transfers[i].Columns {
			c := &f.Plan.Transfers[i].Columns[k]
			c.ReadBack = quote.Ident(c.Target)
		}
	}
	_, err := made(t, f).Recheck()
	require.NoError(t, err)
	for _, sql := range []string{`"id") TO STDOUT; DROP TABLE orders; COPY (SELECT 1`, "id", "pg_sleep(9)", ""} {
		f.Plan.Transfers[0].Columns[0].ReadBack = sql
		c, err := Parse(jsonOf(t, made(t, f)))
		require.NoError(t, err, "its chain is whole")
		_, err = c.Recheck()
		require.ErrorContains(t, err, "which no version of pg2db9 writes", sql)
	}
}

// What was tolerated of a table, and is not looked at again, keeps no later change
// of its columns unseen; where its columns were other ones, that is said.
func TestRecheckLooksAtColumns(t *testing.T) {
	t.Parallel()
	f := facts("n")
	first := &f.Report.Tables[0].Shape
	for what, looked := range map[string]bool{"": true, "position": true, "index": true, "type": false, "table": false, "column": false} {
		if first.Tolerated = nil; what != "" {
			first.Tolerated = []verify.Difference{{Column: "x", What: what, Expected: "1", Found: "2"}}
		}
		require.Equal(t, !looked, slices.Contains(made(t, f).Unreliable(), "public.orders"), what)
	}
}

// Sides that are written are compared in no snapshot, and the positions of their
// sequences are nobody's: neither is said to be equal.
func TestLiveSaysNoMoreThanWasSeen(t *testing.T) {
	t.Parallel()
	f := facts("n")
	r := f.Report
	r.Tables, r.ExpectedTables, r.Tables[0].Data.Excused = r.Tables[:1:1], 1, nil
	r.Views, r.ExpectedViews, r.Behaviour = nil, 0, nil
	r.Sequences[0].Verdict, r.Sequences[0].Detail = verify.Skipped, "the source goes on"
	f.Snapshot, f.Live = nil, true
	c := made(t, f)
	require.Equal(t, "1 table, 2 rows, all equal; 1 sequence not compared; both sides could be written meanwhile", c.Summary)
	require.Contains(t, c.Run().NotChecked, Unchecked{"where sequence public.s stands", "the source goes on"})
	page := html.UnescapeString(string(pageOf(t, c)))
	require.NotContains(t, page, "as it was at")
	require.Contains(t, page, "both sides as of one moment")
}
