// Package pgtest gives tests a PostgreSQL: one cluster a process, one database
// a test, any major from 13 to 18, and connections that fail on demand.
//
// A package with live tests has
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
// and its tests say
//
//	db := pgtest.Server(t).Database(t)
//	db.Exec(t, "CREATE TABLE a (id int PRIMARY KEY)")
//
// Where the server comes from is told at pgserver.Find; PGTEST_URL names one
// that already runs. Without any, tests skip, or fail if PGTEST_REQUIRED=1.
package pgtest
