package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/verify"
)

// verify --level rows names what differs by key and column, in the report of
// every form, and every row in a file of its own; the levels before it say as
// much as they saw, and none calls equal what it did not read (Y14).
func TestVerifyLevelsY14(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	b.ok(t, "clone", "--profile", "postgres")
	for _, level := range []string{"schema", "counts", "digest", "rows", "deep"} {
		r, rep := b.reported(t, "verify", "--profile", "postgres", "--level", level)
		require.Equal(t, OK, r.code, "%s: %s\n%s", level, r.err, r.out)
		require.Equal(t, level, rep.Level)
	}
	b.target.Exec(t, `UPDATE orders SET total = round(total, 1) WHERE id BETWEEN 100 AND 350 AND total <> round(total, 1);
		INSERT INTO customers (id, name) OVERRIDING SYSTEM VALUE VALUES (0, 'nobody');
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
	require.Contains(t, r.out, "  id=0\n")
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

// Rows are named by the target's names of tables and columns, whatever was
// renamed, chosen, or made flat on the way; what was not chosen is no difference,
// and what stands there unchosen is.
func TestVerifyRowsThroughMapping(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE log (id int, day date, v text, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
		CREATE TABLE log_a PARTITION OF log FOR VALUES FROM ('2020-01-01') TO ('2020-07-01');
		CREATE TABLE log_b PARTITION OF log FOR VALUES FROM ('2020-07-01') TO ('2021-01-01');
		INSERT INTO log SELECT i, '2020-01-01'::date + i % 360, 'v' || i FROM generate_series(1, 8000) i;
		CREATE TABLE people (id uuid PRIMARY KEY, name text, secret text);
		INSERT INTO people SELECT md5(i::text)::uuid, 'n' || i, 's' FROM generate_series(1, 50) i;`)
	mapping := filepath.Join(t.TempDir(), "map.yaml")
	require.NoError(t, os.WriteFile(mapping, []byte("tables:\n  public.people:\n    name: persons\n    columns:\n      name: {name: full_name}\n"), 0o600))
	for _, profile := range []string{"postgres", "db9"} {
		args := []string{"--profile", profile, "--mapping", mapping, "--exclude-column", "people.secret", "--where", "log=id > 100"}
		b.ok(t, "clone", append(args, "--on-existing", "drop")...)
		b.ok(t, "verify", append(args, "--level", "deep")...)
		b.target.Exec(t, `DELETE FROM log WHERE id = 4000; UPDATE log SET v = 'x' WHERE id IN (101, 8000);
			INSERT INTO log VALUES (50, '2020-02-20', 'v50'); UPDATE persons SET full_name = 'other' WHERE full_name = 'n7'`)
		for _, level := range []string{"rows", "deep"} {
			r, rep := b.reported(t, "verify", append(args, "--level", level)...)
			require.Equal(t, Differences, r.code, "%s\n%s", r.err, r.out)
			var got []string
			for _, x := range rep.Tables {
				if x.Found == nil {
					continue
				}
				require.Zero(t, x.Found.Unlocalised)
				for _, d := range x.Found.Shown {
					line := d.Table.Name + " of " + d.Source.Name + " " + string(d.Kind)
					for _, k := range d.Key {
						line += " " + k.Column + "=" + k.Value
					}
					for _, c := range d.Columns {
						line += " " + c.Column + " " + c.Source.Text + "->" + c.Target.Text
					}
					if profile == "postgres" {
						line = strings.ReplaceAll(strings.ReplaceAll(line, "log_a", "log"), "log_b", "log")
					}
					got = append(got, line)
				}
			}
			slices.Sort(got)
			require.Equal(t, []string{
				"log of log changed day=2020-03-21 id=8000 v v8000->x", "log of log changed day=2020-04-11 id=101 v v101->x",
				"log of log extra day=2020-02-20 id=50", "log of log missing day=2020-02-10 id=4000",
				"persons of people changed id=8f14e45f-ceea-167a-5a36-dedd4bea2543 full_name n7->other",
			}, got, "%s, %s", profile, level)
		}
	}
}
