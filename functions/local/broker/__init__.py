"""The broker of one machine: CloudEvents in by HTTP, kept by JetStream, delivered by HTTP as Knative's broker does."""
