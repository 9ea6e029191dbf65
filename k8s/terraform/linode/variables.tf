variable "name" {
  description = "Name of the cluster, and how the names of the other objects begin."
  type        = string
  default     = "dataflow"
}

variable "region" {
  description = "Region of the cluster, its volumes and its buckets."
  type        = string
  default     = "de-fra-2"
}

variable "kubernetes_version" {
  description = "Version of Kubernetes, as LKE offers it."
  type        = string
  default     = "1.34"
}

variable "node_type" {
  description = "Type of the nodes: 4 CPUs and 8 GB hold one Kafka node, and an ingest and an enrich pod."
  type        = string
  default     = "g6-dedicated-4"
}

variable "nodes" {
  description = "Number of nodes: three at least, one for each Kafka node."
  type        = number
  default     = 3

  validation {
    condition     = var.nodes >= 3
    error_message = "nodes is too small; expected 3 or more, one for each Kafka node."
  }
}

variable "most_nodes" {
  description = "How many nodes autoscaling may go up to."
  type        = number
  default     = 6
}

variable "admin_addresses" {
  description = "Networks that may reach the API server of the cluster, in CIDR notation."
  type        = list(string)

  validation {
    condition     = length(var.admin_addresses) > 0 && !contains(var.admin_addresses, "0.0.0.0/0")
    error_message = "admin_addresses is empty or the whole internet; expected your own networks, such as [\"192.0.2.0/24\"]."
  }
}

variable "domain" {
  description = "Domain that Linode's DNS serves, such as example.com."
  type        = string
}

variable "contact" {
  description = "E-mail address in the DNS zone."
  type        = string
}

variable "host" {
  description = "Name of the page below the domain."
  type        = string
  default     = "dataflow"
}

variable "ingress_address" {
  description = "Address of the NodeBalancer that the ingress controller has got; empty before there is one."
  type        = string
  default     = ""
}
