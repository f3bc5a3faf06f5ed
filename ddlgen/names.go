package ddlgen

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"unicode/utf8"

	"github.com/pg2db9/pg2db9/catalog"
)

// hashDigits is the length of the suffix that keeps a cut name unique.
const hashDigits = 8

// cut shortens a name to the limit in bytes, at a character border. What is cut
// off is replaced by a hash of the whole name, so that two long names with the
// same beginning stay two. A name that fits is returned as it is.
func cut(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	suffix := "_" + hex.EncodeToString(sum[:])[:hashDigits]
	if limit <= len(suffix) {
		return suffix[len(suffix)-limit:]
	}
	return clip(name, limit-len(suffix)) + suffix
}

// clip takes the first bytes of a name, never part of a character.
func clip(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	for limit > 0 && !utf8.RuneStart(name[limit]) {
		limit--
	}
	return name[:limit]
}

// fresh is a generated name that is not taken: the name itself, else one with
// a number, cut to the limit either way.
func fresh(name string, limit int, taken func(string) bool) string {
	candidate := cut(name, limit)
	for n := 2; taken(candidate); n++ {
		candidate = cut(name+"_"+strconv.Itoa(n), limit)
	}
	return candidate
}

// implicitName is the name that PostgreSQL gives the sequence of a serial or
// identity column: table, column and "seq" joined by underscores, the longer
// of the first two shortened until the whole fits (makeObjectName).
func implicitName(table, column string, limit int) string {
	const suffix = "_seq"
	room := limit - len(suffix) - 1
	t, c := len(table), len(column)
	for t+c > room {
		if t > c {
			t--
		} else {
			c--
		}
	}
	return clip(table, t) + "_" + clip(column, c) + suffix
}

// freshRelation is a generated name for an index, sequence or table.
func (p *planner) freshRelation(schema, name string) string {
	n := fresh(name, p.profile.NameBytes, func(s string) bool {
		return p.taken(catalog.Name{Schema: schema, Name: s})
	})
	p.relations[catalog.Name{Schema: schema, Name: n}] = true
	return n
}

// freshConstraint is a generated name for a constraint of a table. It differs
// from the table's own and from all that was generated in the schema.
func (p *planner) freshConstraint(table catalog.Name, name string) string {
	n := fresh(name, p.profile.NameBytes, func(s string) bool {
		if p.uniques[catalog.Name{Schema: table.Schema, Name: s}] {
			return true
		}
		for c := range p.model.constraints.of(table) {
			if c.Name == s {
				return true
			}
		}
		return false
	})
	p.uniques[catalog.Name{Schema: table.Schema, Name: n}] = true
	return n
}
