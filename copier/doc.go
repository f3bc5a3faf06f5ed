// Package copier is the engine: it holds the snapshot, cuts tables into parts,
// pipes COPY from the source into batches on the target, keeps the ledger with
// the data, retries, and executes the statements of the plan around the data.
package copier
