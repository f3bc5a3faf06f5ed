package probe

// probes are all of them, by number. The numbers are those of docs/db9.md.
var probes = []probe{
	{
		number: 1, name: "tls", topic: "encryption", ask: askTLS,
		claim: "the server speaks TLS", assume: "TLS is required; never plaintext in silence",
	},
	{
		number: 2, name: "identity", topic: "who answers", ask: askIdentity,
		claim: "version() names DB9", assume: "what the URL says; version numbers mean nothing",
	},
	{
		number: 3, name: "credential", topic: "the password's life", ask: askCredential,
		claim: "the password does not expire", assume: "it may expire",
	},
	{
		number: 4, name: "serializable", topic: "SERIALIZABLE", ask: askSerializable,
		claim: "a transaction can be SERIALIZABLE", assume: "it cannot",
	},
	{
		number: 5, name: "timeouts", topic: "statement and idle timeouts", ask: askTimeouts,
		claim: "statement_timeout and idle_in_transaction_session_timeout read back 0 once set to 0", assume: "60 s each, whatever is set",
	},
	{
		number: 6, name: "timeout-state", topic: "a timeout in a transaction", ask: askTimeoutState,
		claim: "after a timeout the transaction refuses statements (25P02)", assume: "it was rolled back in silence: the connection is of no more use",
	},
	{
		number: 7, name: "small-types", topic: "smallint, real, char(n)", scratch: true, ask: askSmallTypes,
		claim: "they are types of their own", assume: "pg2db9 maps them",
	},
	{
		number: 8, name: "unlisted-types", topic: "types that no page lists", scratch: true, ask: askUnlistedTypes,
		claim: "a type is kept or refused, never something else in silence", assume: "an unknown type becomes text in silence: columns are read back",
	},
	{
		number: 9, name: "timestamps", topic: "timestamp precision", scratch: true, ask: askTimestamps,
		claim: "timestamps keep microseconds", assume: "milliseconds, rounded on the source",
	},
	{
		number: 10, name: "numeric", topic: "numeric digits", scratch: true, ask: askNumeric,
		claim: "numeric keeps any number of digits, and NaN", assume: "28 digits, no NaN, no infinities",
	},
	{
		number: 11, name: "intervals", topic: "interval, timetz", scratch: true, ask: askIntervals,
		claim: "interval keeps days and microseconds, timetz its offset", assume: "months and milliseconds; time",
	},
	{
		number: 12, name: "copy-values", topic: "values in COPY TEXT", scratch: true, ask: askCopyValues,
		claim: "arrays, long numbers and hostile texts arrive as sent", assume: "they may change",
	},
	{
		number: 13, name: "copy-forms", topic: "COPY by a driver, TEXT and CSV", scratch: true, ask: askCopyForms,
		claim: "COPY TEXT and CSV, sent by frames, store what was sent", assume: "TEXT does, CSV does not",
	},
	{
		number: 14, name: "copy-atomicity", topic: "a COPY that fails", scratch: true, ask: askCopyAtomicity,
		claim: "it leaves nothing behind, in a transaction or not", assume: "outside of a transaction it may leave rows",
	},
	{
		number: 15, name: "copy-out", topic: "COPY TO STDOUT", scratch: true, ask: askCopyOut,
		claim: "queries and quoted names are taken, and values look as PostgreSQL's", assume: "refused: tables are read back by SELECT",
	},
	{
		number: 16, name: "index-methods", topic: "index access methods", scratch: true, ask: askIndexMethods,
		claim: "GIN, GiST and hash indexes are used", assume: "GIN and GiST are accepted and slow, hash becomes btree, IVFFlat becomes HNSW",
	},
	{
		number: 17, name: "row-security", topic: "row-level security", scratch: true, ask: askRowSecurity,
		claim: "policies are enforced", assume: "there is none",
	},
	{
		number: 18, name: "advisory-locks", topic: "advisory locks", two: true, ask: askAdvisoryLocks,
		claim: "an advisory lock keeps other sessions out", assume: "it does not: never a mutex",
	},
	{
		number: 19, name: "plpgsql", topic: "PL/pgSQL and overloads", scratch: true, ask: askPLpgSQL,
		claim: "EXCEPTION, WHILE, LOOP, CONTINUE, FOREACH, EXECUTE, cursors, GET DIAGNOSTICS and overloads work", assume: "they do not",
	},
	{
		number: 20, name: "triggers", topic: "triggers", scratch: true, ask: askTriggers,
		claim: "AFTER triggers act in the transaction, statement triggers once", assume: "row level alone, perhaps later",
	},
	{
		number: 21, name: "identity-columns", topic: "identity columns and sequences", scratch: true, ask: askIdentityColumns,
		claim: "ALWAYS, options, ADD GENERATED and RESTART are kept", assume: "inline, BY DEFAULT, values by setval",
	},
	{
		number: 22, name: "generated-columns", topic: "generated columns", scratch: true, ask: askGeneratedColumns,
		claim: "a STORED column is computed", assume: "each is read back",
	},
	{
		number: 23, name: "constraints", topic: "what constraints keep", scratch: true, ask: askConstraints,
		claim: "DEFERRABLE, NULLS NOT DISTINCT, MATCH FULL, SET NULL (columns), EXCLUDE, NOT VALID and all actions act", assume: "lost or refused; checked at once",
	},
	{
		number: 24, name: "replica-role", topic: "switching triggers off", scratch: true, ask: askReplicaRole,
		claim: "session_replication_role = replica keeps triggers from firing", assume: "triggers always fire",
	},
	{
		number: 25, name: "hnsw", topic: "HNSW, builds of indexes", scratch: true, ask: askHNSW,
		claim: "HNSW builds and answers, a unique build refuses duplicates, CONCURRENTLY too", assume: "HNSW may fail: last, not fatal; builds are plain",
	},
	{
		number: 26, name: "catalogs", topic: "pg_catalog", scratch: true, ask: askCatalogs,
		claim: "pg_catalog has what PostgreSQL's has, with OIDs of 32 bits", assume: "it is partial, OIDs are wider: information_schema and behaviour are believed",
	},
	{
		number: 27, name: "sizes", topic: "size of rows and keys", scratch: true, heavy: true, ask: askSizes,
		claim: "rows of 9 MiB are taken", assume: "rows above 7 MiB are refused, keys above 2 KB warned of",
	},
	{
		number: 28, name: "binary-results", topic: "binary results", ask: askBinaryResults,
		claim: "arrays are sent in binary as asked", assume: "text alone is asked for",
	},
	{
		number: 29, name: "copy-counts", topic: "COPY's count, empty lines, \\N", scratch: true, ask: askCopyCounts,
		claim: "wrong field counts are refused, an empty line is a row, \\N is NULL", assume: "the count may lie, empty lines vanish, \\N takes the default",
	},
	{
		number: 30, name: "utf8", topic: "invalid UTF-8", scratch: true, ask: askUTF8,
		claim: "it is refused (22021)", assume: "it becomes U+FFFD in silence: pg2db9 looks itself",
	},
	{
		number: 31, name: "pipelining", topic: "statements sent ahead around COPY", scratch: true, ask: askPipelining,
		claim: "they are done in order, and after a failure refused", assume: "one batch at a time",
	},
	{
		number: 32, name: "conflicts", topic: "what a conflict is answered with", scratch: true, two: true, ask: askConflicts,
		claim: "one side gets 40001 or 40P01", assume: "tried again only after the ledger was read",
	},
	{
		number: 33, name: "limits", topic: "http, fs9, pg_cron, HTTP SQL, ORMs",
		claim: "none: pg2db9 does not use them", assume: "the lower limits of the pages; the HTTP API for small jobs only",
		text: "not asked: pg2db9 uses none of them",
	},
}
