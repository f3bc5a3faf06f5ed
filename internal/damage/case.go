package damage

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
)

// The profiles that a case may be for.
const (
	Postgres = "postgres"
	DB9      = "db9"
)

// Case is one kind of damage, or one harmless form. In its SQL {t} is its table,
// {k}, {l} and {m} are keys of three neighbouring rows that the seed chose.
type Case struct {
	Name  string
	Setup string // on the source: its table and rows
	// Damage is done to the target's own database, past any stand-in. DB9 is the
	// same where the target has other types; empty is Damage.
	Damage, DB9 string
	// Only is the one profile that has such a thing; empty is both. Why says why.
	Only, Why string

	// Rows are those that must be found, and no others: "changed id=7: a, b",
	// "missing id=7", "extra 2x (a=4)"; nil is damage of the definition.
	Rows []string
	// Sequence and View are what is damaged, where it is not the table: its name
	// behind the table's, such as "_id_seq".
	Sequence, View string
	Lost           string // a sequence that goes with what is damaged
	Detail         string // what must be said of it
	DB9Detail      string // the same under profile db9; empty is Detail
}

// rows is how many a table of a case has as a rule.
const rows = 40

var notPlain = regexp.MustCompile(`[^a-z0-9]+`)

// Table is the name of the case's table. The order of the cases is no part of
// it, so that a case may be added.
func (c *Case) Table() string {
	return strings.Trim(notPlain.ReplaceAllString(strings.ToLower(c.Name), "_"), "_")
}

// For says whether a profile has such a thing.
func (c *Case) For(profile string) bool { return c.Only == "" || c.Only == profile }

// fill writes the table's name and the keys into the texts of a case.
func (c *Case) fill(r *rand.Rand) {
	k := 2 + r.IntN(rows-4) // neither the first nor the last row
	replace := strings.NewReplacer("{t}", c.Table(), "{k}", fmt.Sprint(k), "{l}", fmt.Sprint(k+1), "{m}", fmt.Sprint(k+2))
	for _, text := range []*string{&c.Setup, &c.Damage, &c.DB9, &c.Detail, &c.DB9Detail} {
		*text = replace.Replace(*text)
	}
	if c.DB9 == "" {
		c.DB9 = c.Damage
	}
	if c.DB9Detail == "" {
		c.DB9Detail = c.Detail
	}
	for i := range c.Rows {
		c.Rows[i] = replace.Replace(c.Rows[i])
	}
}

// Cases are all kinds of damage; the seed chooses the rows.
func Cases(seed uint64) []Case {
	return seeded(seed, rowCases(), textCases(), numberCases(), momentCases(), documentCases(), otherCases(), bagCases(), shapeCases(), objectCases())
}

// Harmless are all forms that are no damage.
func Harmless(seed uint64) []Case {
	return seeded(seed, storageForms(), textForms(), settingForms(), layoutForms())
}

func seeded(seed uint64, lists ...[]Case) (out []Case) {
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // the same cases for the same seed
	for _, list := range lists {
		for i := range list {
			c := list[i]
			c.fill(r)
			out = append(out, c)
		}
	}
	return out
}

// pairs is a table of a key and two texts.
const pairs = `CREATE TABLE {t} (id integer PRIMARY KEY, a text, b text);
	INSERT INTO {t} SELECT i, 'a' || i, 'b' || i FROM generate_series(1, 40) i`

// typed is a case of one column v beside the key id: its type, the value of row i,
// and what the damage makes of it in row {k}.
func typed(name, typ, value, damaged string) Case {
	return Case{
		Name: name, Setup: "CREATE TABLE {t} (id integer PRIMARY KEY, v " + typ + "); INSERT INTO {t} SELECT i, " + value + " FROM generate_series(1, 40) i",
		Damage: "UPDATE {t} SET v = " + damaged + " WHERE id = {k}", Rows: []string{"changed id={k}: v"},
	}
}

// db9 is the case with another damage under profile db9, where v is of another type.
func (c Case) db9(damaged string) Case {
	c.DB9 = "UPDATE {t} SET v = " + damaged + " WHERE id = {k}"
	return c
}

// only is the case for one profile.
func (c Case) only(profile, why string) Case {
	c.Only, c.Why = profile, why
	return c
}
