// Package damage has what verification must find, and what it must not mind, as
// data: kinds of damage done to a copy, each to tables of its own, with the rows
// and columns, or the object, that must be named; and harmless forms, which are
// the same values kept or written otherwise.
//
// Its tests make a source of all cases, clone it by the command line, under both
// profiles (db9 through the strict stand-in), do all damage at once behind the
// target's back, and verify once: each case must be found where it is and as what
// it is, and nothing else. `make damage` prints both tables.
package damage
