package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// withLosses has something that a DB9 does not get of several kinds.
const withLosses = `
	CREATE TABLE parent (id integer PRIMARY KEY);
	CREATE TABLE t (id integer PRIMARY KEY REFERENCES parent, net cidr, CONSTRAINT "two
lines" CHECK (masklen(net) > 3), during int4range, CONSTRAINT apart EXCLUDE USING gist (during WITH &&));
	CREATE FUNCTION twice(n integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN WHILE n < 0 LOOP n := n + 1; END LOOP; RETURN 2 * n; END $$;
	CREATE RULE kept AS ON DELETE TO t DO INSTEAD NOTHING;`

// Nothing is lost to the user: schema and clone write the definitions of what
// they leave, and those can be executed.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	b := setup(t, withLosses)
	file := filepath.Join(t.TempDir(), "left.sql")
	r := run(t, "schema", "--source", withPassword(b.source.URL), "--left-behind", file)
	require.Equal(t, OK, r.code, r.err)
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	text := string(data)
	noSecret(t, text)
	for _, want := range []string{
		"-- left behind: rule public.t.kept\n--   [rule.left] ",
		"CREATE RULE kept AS\n    ON DELETE TO public.t DO INSTEAD NOTHING;\n",
		"--   [routine.unsupported] ",
		"CREATE FUNCTION public.twice(n integer)",
		`-- left behind: constraint public.t.two\nlines`, // a line break would end the comment
		"EXCLUDE USING gist (during WITH &&);\n",
		"-- in another form: column public.t.net\n",
		"\n-- ALTER TABLE \"public\".\"t\" ADD COLUMN \"net\" cidr;\n",
		"--   what to do: ",
	} {
		require.Contains(t, text, want)
	}
	b.target.Exec(t, "CREATE TABLE parent (id integer PRIMARY KEY); CREATE TABLE t (id integer PRIMARY KEY, net cidr, during int4range)")
	b.target.Exec(t, text)
	require.Equal(t, "4", b.target.QueryString(t, `SELECT (SELECT count(*) FROM pg_constraint WHERE conrelid = 'public.t'::regclass AND conname IN ('two
lines', 'apart')) + (SELECT count(*) FROM pg_rules WHERE schemaname = 'public') + (SELECT count(*) FROM pg_proc WHERE proname = 'twice')`))

	// A foreign key that the filters leave is among them.
	r = run(t, "schema", "--source", b.source.URL, "--profile", "postgres", "--exclude-table", "parent", "--left-behind", file)
	require.Equal(t, OK, r.code, r.err)
	data, err = os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(data), "-- 2 objects left behind, 0 in another form." /* the other is a role */)
	require.Contains(t, string(data), `ADD CONSTRAINT "t_id_fkey" FOREIGN KEY (id) REFERENCES public.parent(id);`)
}

// What the target refuses in a clone is left behind too.
func TestLeftBehindOfClone(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (id integer PRIMARY KEY); CREATE TABLE other (id integer PRIMARY KEY);
		CREATE VIEW v AS SELECT id FROM t; CREATE INDEX by_id ON other (id)`)
	b.target.Exec(t, "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no views here'; END $$;"+
		"CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION refuse()")
	file := filepath.Join(t.TempDir(), "left.sql")
	r := b.run(t, "clone", "--left-behind", file)
	require.Equal(t, Partial, r.code, r.err)
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(data), "-- left behind: view public.v\n--   the target refused it: ")
	require.Contains(t, string(data), "CREATE VIEW \"public\".\"v\"")
	require.NotContains(t, string(data), "by_id")
}

func TestLeftBehindBadPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for path, want := range map[string]string{
		"left.txt":                           `must end in .sql`,
		filepath.Join(dir, "no", "left.sql"): "cannot be written: no such file or directory",
	} {
		r := run(t, "schema", "--source", "postgres://nobody@localhost/x", "--left-behind", path)
		require.Equal(t, Usage, r.code)
		require.Contains(t, r.err, "--left-behind: ")
		require.Contains(t, r.err, want)
	}
}
