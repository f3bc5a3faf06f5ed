// Package corpora has the tests that clone databases of real projects and look
// from outside at what arrived.
//
// The databases are no part of the project: they are found at
// ../shared/corpora beside the module, or where PG2DB9_CORPORA says, and
// without them only the project's own sample is cloned. `make test` takes a
// few of them, `make test-corpora` (PG2DB9_CORPORA_ALL=1) all. One needs
// PostGIS: Debian's package postgresql-15-postgis-3, and PGTEST_BIN for its
// server; elsewhere it is skipped.
package corpora
