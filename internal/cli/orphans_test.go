package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/ui/report"
)

// orphaned has a key that 88 rows break, and two that hold.
const orphaned = `CREATE TABLE customers (id int PRIMARY KEY, boss int REFERENCES customers (id));
	CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers (id), seller int REFERENCES customers (id));
	INSERT INTO customers SELECT i, 1 FROM generate_series(1, 20) i;
	SET session_replication_role = replica;
	INSERT INTO orders SELECT i, CASE WHEN i % 5 > 0 THEN 1 + i % 20 WHEN i % 50 = 0 THEN NULL ELSE 1000 + i END, 1 + i % 20 FROM generate_series(1, 489) i`

// T20: the key that rows break is told with their count, some of them and the
// query that lists them; it is NOT VALID where the target has that, else it is
// left out; the other keys stand; the run is partial.
func TestT20ForeignKeyWithOrphans(t *testing.T) {
	t.Parallel()
	for profile, want := range map[string]struct {
		keys, word string
		severity   finding.Severity
	}{
		"postgres": {"customers_boss_fkey t|orders_customer_fkey f|orders_seller_fkey t", "it is NOT VALID on the target: ", finding.Change},
		"db9":      {"customers_boss_fkey t|orders_seller_fkey t", "it is not on the target (the target has no NOT VALID): ", finding.Left},
	} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			b := setup(t, orphaned)
			js := filepath.Join(t.TempDir(), "r.json")
			r := b.run(t, "clone", "--profile", profile, "--report", js)
			require.Equal(t, Partial, r.code, "%s\n%s", r.err, r.out)
			b.same(t, "customers", "orders")
			require.Equal(t, want.keys, b.target.QueryString(t, "SELECT string_agg(conname || ' ' || left(convalidated::text, 1), '|' ORDER BY conname) FROM pg_constraint WHERE contype = 'f'"))
			require.Contains(t, r.last(), "1 statement failed")

			rep := readReport(t, js)
			f := findingOf(t, rep, "data.orphan")
			require.Equal(t, want.severity, f.Severity)
			require.Equal(t, "constraint public.orders.orders_customer_fkey", f.Object.String())
			require.True(t, strings.HasPrefix(f.Message, want.word+"88 rows refer to nothing in public.customers; for example id="), f.Message)
			require.Regexp(t, `id=\d+, customer=1\d\d\d; id=`, f.Message)
			_, query, _ := strings.Cut(f.Message, "; all of them, on the target: ")
			require.Equal(t, "88", b.target.QueryString(t, "SELECT count(*) FROM ("+query+") x"))

			// The remedy does what it says, once the rows are mended.
			b.target.Exec(t, "DELETE FROM orders WHERE (id, customer) IN ("+query+")")
			_, sql, _ := strings.Cut(f.Remedy, ", then: ")
			b.target.Exec(t, sql)
			require.Equal(t, "3", b.target.QueryString(t, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated"))
		})
	}
}

// A run that is continued does not take a key that is NOT VALID for done: it is
// validated, or told of again.
func TestT20OrphansOfAResumedRun(t *testing.T) {
	t.Parallel()
	b := setup(t, orphaned)
	r := b.run(t, "clone")
	require.Equal(t, Partial, r.code, r.err)
	r = b.run(t, "clone", "--resume")
	require.Equal(t, Partial, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.out, "88 rows refer to nothing in public.customers")
	b.target.Exec(t, "UPDATE orders SET customer = 1 WHERE customer > 1000")
	r = b.run(t, "clone", "--resume", "--retry-failed", "--skip-verify")
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	require.Equal(t, "3", b.target.QueryString(t, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated"))
}

func findingOf(t *testing.T, rep report.Report, code finding.Code) report.Finding {
	t.Helper()
	for _, f := range rep.Findings {
		if f.Code == code {
			return f
		}
	}
	require.Fail(t, "no finding", code)
	return report.Finding{}
}
