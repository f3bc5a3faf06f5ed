// Package catalog reads the schema of a PostgreSQL database into a flat model.
//
// [ListTables] is the cheap first pass: names, so that a [Filter] can be resolved
// and the tables locked. [Load] reads everything in the snapshot of the caller's
// transaction, with a fixed number of queries: the texts in queries/ are the same
// for servers 13 to 18. [Database.Select] takes the part that a filter chooses.
// [Fingerprints] and [Changes] prove that no table was emptied or altered between
// the snapshot and its lock.
//
// What Load reads of a catalog's rows is the snapshot's. What the server renders
// for it (pg_get_expr, pg_get_indexdef, format_type) stands in what the catalog
// holds now, so it should run after the tables are locked; an object that is gone
// by then is a [GoneError].
//
// The model names every object of the user's. What it does not describe is in
// [Database.Others]: counted and named, so that a plan can say what it leaves.
// Objects of the system, of pg2db9 itself, temporary ones, and members of
// extensions are left out.
package catalog
