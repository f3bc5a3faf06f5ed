package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/verify"
)

// verify --level rows names what differs by key and column, in the report of
// every form, and every row in a file of its own; the levels before it say as
// much as they saw, and none calls equal what it did not read (Y14).
func TestVerifyLevels(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	b.ok(t, "clone", "--profile", "postgres")
	for _, level := range []string{"schema", "counts", "digest", "rows", "deep"} {
		r, rep := b.reported(t, "verify", "--profile", "postgres", "--level", level)
		require.Equal(t, OK, r.code, "%s: %s\n%s", level, r.err, r.out)
		require.Equal(t, level, rep.Level)
	}
	b.target.Exec(t, `UPDATE orders SET total = round(total, 1) WHERE id BETWEEN 100 AND 350 AND total <> round(total, 1);
		INSERT INTO customers (id, name) OVERRIDING SYSTEM VALUE VALUES (900, 'nobody');
		UPDATE log SET line = 'other' WHERE ctid = '(0,1)'`)
	for level, want := range map[string]Code{"schema": OK, "counts": Differences, "digest": Differences} {
		r, rep := b.reported(t, "verify", "--profile", "postgres", "--level", level)
		require.Equal(t, want, r.code, "%s: %s\n%s", level, r.err, r.out)
		for _, x := range rep.Tables {
			require.Nil(t, x.Found)
		}
	}
	list := filepath.Join(t.TempDir(), "all.jsonl")
	r, rep := b.reported(t, "verify", "--profile", "postgres", "--level", "rows", "--differences", list, "--max-differences", "3")
	require.Equal(t, Differences, r.code, r.err)
	require.Contains(t, r.err, "public.customers (1 row extra")
	require.Contains(t, r.err, "total: ")
	require.Contains(t, r.out, "public.orders.total: ")
	require.Contains(t, r.out, ", all rounded")
	require.Contains(t, r.out, "id=900")
	found := map[string]*verify.RowsFound{}
	for _, x := range rep.Tables {
		require.Equal(t, "rows", x.Level)
		found[x.Target] = x.Found
	}
	require.Len(t, found["public.orders"].Shown, 3)
	require.EqualValues(t, 1, found["public.customers"].Extra)
	require.EqualValues(t, 1, found["public.log"].Missing)
	require.EqualValues(t, 1, found["public.log"].Extra)
	text, err := os.ReadFile(list)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	require.Len(t, lines, int(found["public.orders"].Changed)+3)
	for _, l := range lines {
		var d verify.RowDifference
		require.NoError(t, json.Unmarshal([]byte(l), &d))
		require.NotEmpty(t, d.Kind)
	}
	for _, args := range [][]string{{"--differences", list}, {"--show-values"}, {"--level", "rows", "--max-differences", "-1"}, {"--level", "rows", "--differences", t.TempDir()}} {
		require.Equal(t, Usage, b.run(t, "verify", args...).code, "%v", args)
	}
}
