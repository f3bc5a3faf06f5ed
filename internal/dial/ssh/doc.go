// Package ssh leads a side's connections through one SSH connection to a
// bastion, from which the database's host is resolved and reached. Host keys are
// always checked; secrets of keys stay with the agent or in their files.
package ssh
