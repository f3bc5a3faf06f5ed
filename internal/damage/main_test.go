package damage_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/cli"
	"github.com/pg2db9/pg2db9/internal/damage"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/ui/report"
	"github.com/pg2db9/pg2db9/verify"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// The exit codes that a command may end with here.
const (
	done        = 0
	differences = 3
	blocked     = 4
)

// seed is DAMAGE_SEED, else 1.
func seed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("DAMAGE_SEED")
	if text == "" {
		return 1
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, "DAMAGE_SEED")
	return n
}

// pair is a source, a target, and how the command line reaches both.
type pair struct {
	source, target *pgtest.DB
	profile        string
	options        []string // of every command
}

// newPair makes an empty source and target; under profile db9 the target is
// reached through the strict stand-in.
func newPair(t *testing.T, source *pgtest.DB, profile string) *pair {
	t.Helper()
	p := &pair{source: source, target: pgtest.Server(t).Database(t), profile: profile}
	url := p.target.URL
	if profile == damage.DB9 {
		sim, err := db9sim.Start(t.Context(), db9sim.Config{Backend: url, Rules: db9sim.Strict()})
		require.NoError(t, err)
		t.Cleanup(sim.Close)
		url = sim.URL()
		p.options = []string{"--probe-cache", t.TempDir()}
	}
	p.options = append(p.options, "--source", source.URL, "--target", url, "--no-progress")
	return p
}

// outcome is what a command ended with.
type outcome struct {
	code   int
	rep    report.Report
	rows   []verify.RowDifference
	stderr string
}

func (p *pair) run(t *testing.T, command string, more ...string) outcome {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.json")
	args := slices.Concat([]string{command}, p.options, []string{"--report", file}, more)
	var out, stderr bytes.Buffer
	o := outcome{code: cli.Main(t.Context(), args, cli.Streams{Out: &out, Err: &stderr})}
	o.stderr = stderr.String()
	data, err := os.ReadFile(file)
	require.NoError(t, err, "exit %d: %s", o.code, o.stderr)
	require.NoError(t, json.Unmarshal(data, &o.rep))
	return o
}

// clone copies all, whatever findings block it.
func (p *pair) clone(t *testing.T, more ...string) {
	t.Helper()
	o := p.run(t, "clone", more...)
	if o.code == blocked {
		for _, f := range o.rep.Findings {
			if f.Severity == finding.Block && !slices.Contains(p.options, string(f.Code)) {
				p.options = append(p.options, "--accept", string(f.Code))
			}
		}
		o = p.run(t, "clone", more...)
	}
	require.Equal(t, done, o.code, "%s\n%s", o.troubles(), o.stderr)
}

// verify compares at a level, with all rows that differ.
func (p *pair) verify(t *testing.T, level string) outcome {
	t.Helper()
	file := filepath.Join(t.TempDir(), "differences.jsonl")
	o := p.run(t, "verify", "--level", level, "--differences", file)
	f, err := os.Open(file)
	if os.IsNotExist(err) {
		return o
	}
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var d verify.RowDifference
		require.NoError(t, json.Unmarshal(lines.Bytes(), &d), "%s", lines.Text())
		o.rows = append(o.rows, d)
	}
	require.NoError(t, lines.Err())
	return o
}

// troubles are all verdicts that are no match.
func (o outcome) troubles() string {
	var b strings.Builder
	o.each(func(kind, name, verdict, detail string) {
		if verdict != "match" {
			fmt.Fprintf(&b, "%s %s: %s: %s\n", kind, name, verdict, detail)
		}
	})
	return b.String() + o.rep.Message
}

// each goes over all verdicts of a report.
func (o outcome) each(f func(kind, name, verdict, detail string)) {
	for _, x := range o.rep.Tables {
		f("table", x.Target, x.Verdict, x.Detail+" "+x.Error)
	}
	for _, x := range o.rep.Sequences {
		f("sequence", x.Target, x.Verdict, x.Detail+" "+x.ErrorMsg)
	}
	for _, x := range o.rep.Views {
		f("view", x.Target, x.Verdict, x.Detail)
	}
}

// where says which rows of a table were found, in the words of damage.Case.
func (o outcome) where(table string) (found []string) {
	for _, d := range o.rows {
		if d.Table.Name != table && !strings.HasPrefix(d.Table.Name, table+"_low") && !strings.HasPrefix(d.Table.Name, table+"_high") {
			continue
		}
		text := string(d.Kind) + " "
		var key, columns []string
		for _, k := range d.Key {
			key = append(key, k.Column+"="+k.Value)
		}
		for _, c := range d.Columns {
			columns = append(columns, c.Column)
		}
		if len(key) == 0 {
			text += fmt.Sprintf("%dx", d.Copies)
		} else {
			text += strings.Join(key, ", ")
		}
		if d.Kind == verify.RowChanged {
			text += ": " + strings.Join(columns, ", ")
		}
		found = append(found, text)
	}
	slices.Sort(found)
	return found
}

// lines writes a table of texts.
type lines struct {
	b bytes.Buffer
	w *tabwriter.Writer
}

func newLines(head ...string) *lines {
	l := &lines{}
	l.w = tabwriter.NewWriter(&l.b, 0, 0, 2, ' ', 0)
	l.add(head...)
	return l
}

func (l *lines) add(cells ...string) {
	for i, c := range cells {
		c = strings.Join(strings.Fields(c), " ")
		if r := []rune(c); len(r) > 110 {
			c = string(r[:109]) + "…"
		}
		cells[i] = c
	}
	_, _ = fmt.Fprintln(l.w, strings.Join(cells, "\t"))
}

// print shows the table under -v.
func (l *lines) print(t *testing.T, title string) {
	t.Helper()
	require.NoError(t, l.w.Flush())
	_, err := fmt.Fprintf(t.Output(), "%s\n\n%s\n", title, l.b.String())
	require.NoError(t, err)
}
