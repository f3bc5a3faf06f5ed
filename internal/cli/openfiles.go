package cli

import "github.com/pg2db9/pg2db9/internal/config"

const (
	// filesPerJob are a job's connections: one to either side, and one that takes
	// the place of another that broke.
	filesPerJob = 3
	// filesBeside are all others: the snapshot's and its locks' connections, the
	// lease's, those for questions, and files.
	filesBeside = 40
)

// checkOpenFiles refuses more jobs than the process may have connections for:
// they would fail in the middle of the run.
func checkOpenFiles(command string, cfg *config.Config) error {
	most, known := mostOpenFiles()
	jobs, option := cfg.Jobs, "jobs"
	if cfg.MaxJobs > jobs { // as many as they may become
		jobs, option = cfg.MaxJobs, "max-jobs"
	}
	need := uint64(filesBeside + filesPerJob*jobs) //nolint:gosec // jobs are 1 to 256
	if !known || most >= need {
		return nil
	}
	if most < filesBeside+filesPerJob {
		return usagef(command, "the process may open %d files (ulimit -n), and even one job needs about %d: raise the limit", most, filesBeside+filesPerJob)
	}
	return usagef(command, "%s: %d jobs need about %d open files, and the process may open %d (ulimit -n): raise the limit, or give --%s %d at most",
		cfg.Where(option), jobs, need, most, option, (most-filesBeside)/filesPerJob)
}
