package probe

import (
	"context"
	"strings"

	"github.com/jackc/pgerrcode"
)

// constraintCase is a form of constraint and what shows that it acts.
type constraintCase struct {
	key     string
	setup   []string // must work
	form    string   // the statement with the form: refused or accepted
	steps   []string // must work, after form
	violate string   // what the constraint refuses with code; "" asks only for want
	code    string
	ask     string // must then give want
	want    string
	end     string // what the constraint refuses with code at last; "" is not asked
}

// reference is a case of one action of a foreign key: the parent's row 1 goes.
func reference(key, action, code, want string) constraintCase {
	c := constraintCase{
		key:   key,
		setup: []string{"CREATE TABLE :parent (n integer PRIMARY KEY)", "INSERT INTO :parent VALUES (1), (5)"},
		form:  "CREATE TABLE :table (k integer PRIMARY KEY, n integer DEFAULT 5 REFERENCES :parent (n) ON DELETE " + action + ")",
		steps: []string{"INSERT INTO :table VALUES (1, 1)"},
		ask:   "SELECT count(*)::text || coalesce(max(n)::text, 'null') FROM :table", want: want,
	}
	if code != "" {
		c.violate, c.code = "DELETE FROM :parent WHERE n = 1", code
	} else {
		c.steps = append(c.steps, "DELETE FROM :parent WHERE n = 1")
	}
	return c
}

var constraintCases = []constraintCase{
	{
		key: "deferrable", form: "CREATE TABLE :table (n integer UNIQUE DEFERRABLE INITIALLY DEFERRED)",
		steps: []string{"INSERT INTO :table VALUES (1)", "BEGIN"},
		// Twice the same until the end of the transaction, and not beyond: without
		// any constraint the row would be taken too.
		ask: "INSERT INTO :table VALUES (1)", want: "INSERT 0 1", end: "COMMIT", code: pgerrcode.UniqueViolation,
	},
	{
		key: "nulls-not-distinct", form: "CREATE TABLE :table (n integer, UNIQUE NULLS NOT DISTINCT (n))",
		steps: []string{"INSERT INTO :table VALUES (NULL)"}, violate: "INSERT INTO :table VALUES (NULL)", code: pgerrcode.UniqueViolation,
	},
	{
		key: "match-full", setup: []string{"CREATE TABLE :parent (a integer, b integer, PRIMARY KEY (a, b))"},
		form:    "CREATE TABLE :table (a integer, b integer, FOREIGN KEY (a, b) REFERENCES :parent (a, b) MATCH FULL)",
		violate: "INSERT INTO :table VALUES (1, NULL)", code: pgerrcode.ForeignKeyViolation,
	},
	{
		key: "set-columns", setup: []string{"CREATE TABLE :parent (a integer, b integer, PRIMARY KEY (a, b))", "INSERT INTO :parent VALUES (1, 2)"},
		form:  "CREATE TABLE :table (a integer, b integer, FOREIGN KEY (a, b) REFERENCES :parent (a, b) ON DELETE SET NULL (b))",
		steps: []string{"INSERT INTO :table VALUES (1, 2)", "DELETE FROM :parent"},
		ask:   "SELECT coalesce(a::text, 'null') || coalesce(b::text, 'null') FROM :table", want: "1null",
	},
	{
		key: "exclude", form: "CREATE TABLE :table (n integer, EXCLUDE USING btree (n WITH =))",
		steps: []string{"INSERT INTO :table VALUES (1)"}, violate: "INSERT INTO :table VALUES (1)", code: pgerrcode.ExclusionViolation,
	},
	{
		key: "not-valid", setup: []string{"CREATE TABLE :table (n integer)", "INSERT INTO :table VALUES (-1)"},
		form:    "ALTER TABLE :table ADD CONSTRAINT positive CHECK (n > 0) NOT VALID",
		violate: "INSERT INTO :table VALUES (-2)", code: pgerrcode.CheckViolation,
	},
	reference("no-action", "NO ACTION", pgerrcode.ForeignKeyViolation, "11"),
	reference("restrict", "RESTRICT", pgerrcode.ForeignKeyViolation, "11"),
	reference("cascade", "CASCADE", "", "0null"),
	reference("set-null", "SET NULL", "", "1null"),
	reference("set-default", "SET DEFAULT", "", "15"),
}

// askConstraints: each form is made and then violated.
func askConstraints(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	values := map[string]string{}
	keys := make([]string, len(constraintCases))
	for i, c := range constraintCases {
		keys[i] = c.key
		values[c.key] = c.try(ctx, s)
	}
	evidence := listed(values, keys...)
	if all(values, enforced, keys...) {
		return verdict(true, enforced, evidence).with(values)
	}
	return verdict(false, "partial", evidence).with(values)
}

func (c constraintCase) try(ctx context.Context, s *session) string {
	name := "p23_" + strings.ReplaceAll(c.key, "-", "_")
	sql := strings.NewReplacer(":table", in(name), ":parent", in(name+"_parent"))
	for _, x := range c.setup {
		s.must(ctx, sql.Replace(x))
	}
	if r := s.try(ctx, sql.Replace(c.form)); !r.ok() {
		return refused
	}
	for _, x := range c.steps {
		if r := s.try(ctx, sql.Replace(x)); !r.ok() {
			return lost // an action that is not done: the delete is refused
		}
	}
	if c.violate != "" {
		if r := s.try(ctx, sql.Replace(c.violate)); r.code() != c.code && r.code() != pgerrcode.RestrictViolation {
			return lost
		}
	}
	if c.ask == "" {
		return enforced
	}
	r := s.try(ctx, sql.Replace(c.ask))
	acts := r.value() == c.want || r.ok() && len(r.rows) == 0 && r.tag == c.want
	if acts && c.end != "" {
		acts = s.try(ctx, c.end).code() == c.code
	}
	if s.status() != 'I' {
		s.any(ctx, "ROLLBACK")
	}
	if acts {
		return enforced
	}
	return lost
}
