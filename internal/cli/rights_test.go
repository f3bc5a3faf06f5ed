package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/ui/report"
)

// hung has what would change or hide rows, were it there while they are loaded.
const hung = `
	CREATE TABLE docs (id integer PRIMARY KEY, body text, words tsvector);
	INSERT INTO docs SELECT i, 'body ' || i, 'by:1 hand:2' FROM generate_series(1, 50) i;
	CREATE TRIGGER words BEFORE INSERT OR UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger('words', 'pg_catalog.simple', 'body');
	CREATE TABLE log (id integer PRIMARY KEY);
	INSERT INTO log VALUES (1);
	CREATE RULE kept AS ON DELETE TO log DO INSTEAD NOTHING;
	CREATE TABLE secret (id integer PRIMARY KEY);
	INSERT INTO secret SELECT generate_series(1, 10);
	ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
	CREATE POLICY few ON secret USING (id < 3);`

// T16: triggers, rules and policies are absent while rows are loaded, and
// present afterwards.
func TestCloneHangsAfterTheData(t *testing.T) {
	t.Parallel()
	b := setup(t, hung)
	b.ok(t, "clone")
	require.Equal(t, "50", b.target.QueryString(t, "SELECT count(*) FROM docs WHERE words = 'by:1 hand:2'"), "the trigger would have changed them")
	require.Equal(t, "10", b.target.QueryString(t, "SELECT count(*) FROM secret"))
	b.target.Exec(t, "INSERT INTO docs VALUES (51, 'one two'); DELETE FROM log")
	require.Equal(t, "'one':1 'two':2", b.target.QueryString(t, "SELECT words::text FROM docs WHERE id = 51"), "the trigger acts now")
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM log"), "and so does the rule")
	require.Equal(t, "t", b.target.QueryString(t, "SELECT relrowsecurity FROM pg_class WHERE oid = 'secret'::regclass"))
	require.Equal(t, "few", b.target.QueryString(t, "SELECT polname FROM pg_policy"))

	// A trigger that stands there stops what would load under it, until the user
	// takes it off, or takes it for granted: then it is not made twice.
	r := b.run(t, "clone", "--on-existing", "truncate")
	require.Equal(t, Blocked, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.err+r.out, "target.triggers")
	b.target.Exec(t, "ALTER TABLE docs DISABLE TRIGGER words")
	r = b.run(t, "clone", "--on-existing", "truncate", "--accept", "target.triggers")
	require.Equal(t, Differences, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.last(), "trigger words: expected enabled, found disabled")
	require.Equal(t, "50", b.target.QueryString(t, "SELECT count(*) FROM docs WHERE words = 'by:1 hand:2'"))

	// Dropped with their tables, they come anew.
	b.ok(t, "clone", "--on-existing", "drop")
	require.Equal(t, "O", b.target.QueryString(t, "SELECT tgenabled FROM pg_trigger WHERE tgname = 'words'"))
}

// T29: rights are carried where they are asked for; where not, one finding tells
// of each kind and the report names every object.
func TestCloneRights(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t VALUES (1); COMMENT ON TABLE t IS 'told'")
	role := b.source.Name + "_app"
	b.source.Exec(t, "CREATE ROLE "+role+"; GRANT SELECT ON t TO "+role+", PUBLIC; ALTER TABLE t OWNER TO "+role+
		"; ALTER DATABASE "+b.source.Name+" SET default_transaction_isolation = 'serializable'; ALTER DATABASE "+b.source.Name+" SET app.key = '"+password+"'")
	t.Cleanup(func() {
		b.target.Exec(t, "DROP OWNED BY "+role+" CASCADE")
		b.source.Exec(t, "DROP OWNED BY "+role+" CASCADE; DROP ROLE "+role)
	})
	read := func(path string) (rep report.Report) {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &rep))
		return rep
	}
	js := filepath.Join(t.TempDir(), "r.json")
	b.ok(t, "clone", "--report", js)
	require.Empty(t, b.target.QueryString(t, "SELECT coalesce(relacl::text, '') FROM pg_class WHERE oid = 't'::regclass"))
	rep := read(js)
	var codes, named []string
	for _, f := range rep.Findings {
		codes = append(codes, string(f.Code)+" "+f.Object.String())
	}
	for _, g := range rep.Groups {
		for _, o := range g.Objects {
			named = append(named, string(g.Code)+" "+o.String())
		}
	}
	require.Subset(t, codes, []string{
		"owner.left owners of the source", "privilege.left privileges of the source", "role.there roles that the target has",
		"setting.left setting app.key", "setting.left setting default_transaction_isolation",
	})
	require.Subset(t, named, []string{"owner.left owner of table public.t", "privilege.left privileges on table public.t", "role.there role " + role})

	js = filepath.Join(t.TempDir(), "r.json")
	b.ok(t, "clone", "--on-existing", "drop", "--owners", "--privileges", "--roles", "--no-comments", "--report", js)
	require.Equal(t, role, b.target.QueryString(t, "SELECT relowner::regrole FROM pg_class WHERE oid = 't'::regclass"))
	require.Contains(t, b.target.QueryString(t, "SELECT relacl::text FROM pg_class WHERE oid = 't'::regclass"), "=r/"+role)
	require.Empty(t, b.target.QueryString(t, "SELECT coalesce(obj_description('t'::regclass), '')"))
	for _, f := range read(js).Findings {
		require.NotContains(t, []string{"owner.left", "privilege.left"}, string(f.Code), f.Message)
	}

	// Printed, the statements are the same.
	r := run(t, "schema", "--source", withPassword(b.source.URL), "--profile", "postgres", "--privileges", "--roles")
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.out, `-- phase: rights`)
	require.Contains(t, r.out, `CREATE ROLE "`+role+`";`)
	require.Contains(t, r.out, `GRANT SELECT ON TABLE "public"."t" TO PUBLIC;`)
	require.NotContains(t, strings.ToUpper(r.out), "PASSWORD '")
}

// Through the stand-in: row level triggers arrive, policies and rules are
// left, and nothing fails.
func TestCloneRightsThroughStandIn(t *testing.T) {
	t.Parallel()
	b := setup(t, hung+"GRANT SELECT ON log TO PUBLIC; ALTER TABLE log DISABLE RULE kept")
	sim, db := standIn(t)
	js := filepath.Join(t.TempDir(), "r.json")
	r := run(t, "clone", "--source", withPassword(b.source.URL), "--target", sim.URL(), "--probe", "never", "--privileges", "--owners", "--roles", "--policies", "--report", js)
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	require.Equal(t, "0", db.QueryString(t, "SELECT count(*) FROM pg_policy"))
	data, err := os.ReadFile(js)
	require.NoError(t, err)
	var rep report.Report
	require.NoError(t, json.Unmarshal(data, &rep))
	for _, x := range rep.Statements { // the stand-in has no ALTER TABLE ... OWNER TO; what follows goes on
		require.True(t, x.Optional)
		require.Regexp(t, "^owners/", x.ID)
	}
	require.Len(t, rep.Statements, 3)
	require.Equal(t, "t", db.QueryString(t, "SELECT has_table_privilege('public', 'log', 'select')"))
	for _, want := range []string{"trigger.left", "rule.left", "policy.left", "table.row-security"} {
		require.Contains(t, string(data), `"`+want+`"`)
	}
}
