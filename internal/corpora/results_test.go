package corpora_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
)

// result is one clone of one corpus.
type result struct {
	corpus      string
	profile     string
	major       int // of the source
	assess      string
	script      string // schema, its statements executed
	simulated   string // clone through the strict stand-in
	code        string // clone
	tables      int
	rows        int64
	left        int
	unaccounted int
}

// results collects what parallel tests found.
type results struct {
	mu   sync.Mutex
	list []result
}

func (r *results) add(x result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, x)
}

// log prints the table once all subtests have ended.
func (r *results) log(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if len(r.list) == 0 {
			return
		}
		slices.SortFunc(r.list, func(a, b result) int {
			return cmp.Or(cmp.Compare(a.corpus, b.corpus), cmp.Compare(a.major, b.major), cmp.Compare(b.profile, a.profile))
		})
		var b strings.Builder
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "corpus\tsource\tprofile\tassess\tschema\tsimulated\tclone\ttables\trows\tleft\tunaccounted")
		for _, x := range r.list {
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\n", x.corpus, x.major, x.profile, x.assess, x.script, x.simulated, x.code, x.tables, x.rows, x.left, x.unaccounted)
		}
		_ = w.Flush() // to a buffer
		t.Logf("\n%s", b.String())
	})
}
