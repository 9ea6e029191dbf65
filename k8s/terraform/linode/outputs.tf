output "kubeconfig" {
  description = "Kubeconfig of the cluster, in base64."
  value       = linode_lke_cluster.this.kubeconfig
  sensitive   = true
}

output "s3_endpoint" {
  description = "DATAFLOW_S3_ENDPOINT of overlays/linode."
  value       = "https://${linode_object_storage_bucket.archive.s3_endpoint}"
}

output "s3_bucket" {
  description = "DATAFLOW_S3_BUCKET: where the S3 sink stores."
  value       = linode_object_storage_bucket.archive.label
}

output "logs_bucket" {
  description = "Where the CDN delivers, and the scheduled ingest reads."
  value       = linode_object_storage_bucket.logs.label
}

output "s3_access_key" {
  description = "DATAFLOW_S3_ACCESS_KEY."
  value       = linode_object_storage_key.workers.access_key
}

output "s3_secret_key" {
  description = "Goes into Secret dataflow-s3, as s3-secret-key."
  value       = linode_object_storage_key.workers.secret_key
  sensitive   = true
}
