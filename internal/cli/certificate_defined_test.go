package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// hangingShop is a shop with something of each kind that hangs on tables and views.
const hangingShop = `
	CREATE TABLE parent (id int PRIMARY KEY, code text NOT NULL DEFAULT 'none');
	CREATE TABLE child (id int PRIMARY KEY, parent int CONSTRAINT leads REFERENCES parent, n int CONSTRAINT positive CHECK (n > 0), twice int GENERATED ALWAYS AS (n * 2) STORED);
	CREATE INDEX by_n ON child (n, parent);
	CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE TRIGGER note BEFORE UPDATE ON child FOR EACH ROW EXECUTE FUNCTION noted();
	CREATE VIEW large AS SELECT id, n FROM child WHERE n > 10;
	CREATE TABLE log (v text);
	INSERT INTO parent VALUES (1, 'a'), (2, 'b'); INSERT INTO child (id, parent, n) VALUES (1, 1, 5), (2, 2, 50);`

// What hangs on tables and views is as much a part of a certificate as rows are:
// whatever is gone, other, disabled or new is named, and nothing else; no source is
// needed for that.
func TestRecheckOfDefinitions(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"postgres", "db9"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			b := setup(t, hangingShop)
			path := filepath.Join(t.TempDir(), "c.json")
			b.ok(t, "clone", "--profile", profile, "--certificate", path)
			r := b.recheck(t, path)
			require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
			foreign := profile == "db9" // its views tell less
			require.Equal(t, foreign, strings.Contains(r.out, "policies"), r.out)
			for _, x := range []struct {
				do, undo, says string
				full           bool // only PostgreSQL's own catalog tells it
			}{
				{"DROP INDEX by_n", "CREATE INDEX by_n ON child (n, parent)", "public.child (index by_n: expected CREATE INDEX by_n ON public.child USING btree (n, parent), found none", false},
				{"DROP INDEX by_n; CREATE INDEX by_n ON child (n)", "DROP INDEX by_n; CREATE INDEX by_n ON child (n, parent)", "index by_n: expected CREATE INDEX by_n ON public.child USING btree (n, parent), found CREATE INDEX by_n ON public.child USING btree (n)", false},
				{"CREATE INDEX another ON log (v)", "DROP INDEX another", "public.log (index another: expected none, found CREATE INDEX another ON public.log", false},
				{"ALTER TABLE child DROP CONSTRAINT positive", "ALTER TABLE child ADD CONSTRAINT positive CHECK (n > 0)", "public.child (constraint positive: expected CHECK", false},
				{"ALTER TABLE child DROP CONSTRAINT positive; ALTER TABLE child ADD CONSTRAINT positive CHECK (n > 1)", "ALTER TABLE child DROP CONSTRAINT positive; ALTER TABLE child ADD CONSTRAINT positive CHECK (n > 0)", "public.child (constraint positive: expected CHECK", false},
				{"ALTER TABLE parent ALTER code SET DEFAULT 'other'", "ALTER TABLE parent ALTER code SET DEFAULT 'none'", "public.parent (default of column code: expected 'none'::text, found 'other'::text", false},
				{"CREATE OR REPLACE VIEW large AS SELECT id, n FROM child WHERE n > 11", "CREATE OR REPLACE VIEW large AS SELECT id, n FROM child WHERE n > 10", "view public.large (its query: expected SELECT", false},
				{"DROP VIEW large", "CREATE VIEW large AS SELECT id, n FROM child WHERE n > 10", "view public.large (the view is not on the target", false},
				{"ALTER TABLE child DISABLE TRIGGER note", "ALTER TABLE child ENABLE TRIGGER note", "public.child (trigger note: expected CREATE TRIGGER", true},
				{"ALTER TABLE child DISABLE TRIGGER ALL; ALTER TABLE child ENABLE TRIGGER note", "ALTER TABLE child ENABLE TRIGGER ALL", "public.child (constraint leads: expected FOREIGN KEY (parent) REFERENCES public.parent(id), found disabled: FOREIGN KEY", true},
				{"DROP TRIGGER note ON child", "CREATE TRIGGER note BEFORE UPDATE ON child FOR EACH ROW EXECUTE FUNCTION noted()", "public.child (trigger note: expected ", false},
				{"ALTER TABLE log ENABLE ROW LEVEL SECURITY", "ALTER TABLE log DISABLE ROW LEVEL SECURITY", "public.log (its row security: expected none, found enabled", true},
			} {
				if x.full && foreign {
					continue
				}
				b.target.Exec(t, x.do)
				r := b.recheck(t, path)
				require.Equal(t, Differences, r.code, "%s\n%s\n%s", x.do, r.err, r.out)
				last := r.last()
				require.Contains(t, last, x.says, x.do)
				require.Equal(t, 1, strings.Count(last, "expected ")+strings.Count(last, "is not on the target"), "nothing else is told: %s", last)
				b.target.Exec(t, x.undo)
			}
			r = b.recheck(t, path)
			require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
		})
	}
}

// A certificate of a version that kept no definitions is good for what it has: the
// answer says what was not looked at. One of another major of the server tells what
// is gone, and of what is written otherwise that it cannot be compared.
func TestRecheckByCertificatesOfOthers(t *testing.T) {
	t.Parallel()
	b := setup(t, hangingShop)
	dir := t.TempDir()
	path := filepath.Join(dir, "c.json")
	b.ok(t, "clone", "--profile", "postgres", "--certificate", path)
	b.target.Exec(t, "DROP INDEX by_n")

	old := filepath.Join(dir, "old.json")
	resealed(t, path, old, func(entries []map[string]any) []map[string]any {
		delete(entries[0]["run"].(map[string]any), "definitions")
		entries = slices.DeleteFunc(entries, func(e map[string]any) bool { return e["kind"] == "definitions" })
		entries[0]["run"].(map[string]any)["entries"] = len(entries)
		return entries
	})
	r := b.recheck(t, old)
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.out, "; indexes, constraints, triggers, defaults and views were not looked at: this certificate has nothing of them")

	other := filepath.Join(dir, "other.json")
	resealed(t, path, other, func(entries []map[string]any) []map[string]any {
		entries[0]["run"].(map[string]any)["definitions"].(map[string]any)["major"] = 11
		for _, e := range entries {
			if d, ok := e["definitions"].(map[string]any); ok && d["view"] == true {
				d["objects"].([]any)[0].(map[string]any)["digest"] = "00"
			}
		}
		return entries
	})
	r = b.recheck(t, other)
	require.Equal(t, Failed, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.err, "public.child (index by_n: expected ")
	require.Contains(t, r.err, "its view could not be compared: PostgreSQL ")
	require.NotContains(t, r.err, "its query: expected", "other words are no difference")
}

// resealed writes a certificate with other entries, and a chain that fits: by the
// rule that docs/verification.md gives, not by the program's own code.
func resealed(t *testing.T, from, to string, change func([]map[string]any) []map[string]any) {
	t.Helper()
	text, err := os.ReadFile(from)
	require.NoError(t, err)
	var c struct {
		Summary string           `json:"summary"`
		Format  string           `json:"format"`
		Entries []map[string]any `json:"entries"`
		Seal    string           `json:"seal"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&c))
	c.Entries = change(c.Entries)
	before := ""
	for _, e := range c.Entries {
		delete(e, "hash")
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		require.NoError(t, enc.Encode(e))
		sum := sha256.Sum256(append([]byte(before), bytes.TrimSuffix(b.Bytes(), []byte("\n"))...))
		before = hex.EncodeToString(sum[:])
		e["hash"] = before
	}
	c.Seal = before
	out, err := json.Marshal(c)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, out, 0o600))
}
