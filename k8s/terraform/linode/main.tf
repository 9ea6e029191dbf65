# A cluster with a firewall, buckets for the archive and for what the CDN delivers, and the name of the page.

resource "linode_lke_cluster" "this" {
  label       = var.name
  region      = var.region
  k8s_version = var.kubernetes_version
  tags        = [var.name]

  control_plane {
    high_availability = true

    acl {
      enabled = true
      addresses {
        ipv4 = var.admin_addresses
      }
    }
  }

  pool {
    type  = var.node_type
    count = var.nodes

    autoscaler {
      min = var.nodes
      max = var.most_nodes
    }
  }

  lifecycle {
    ignore_changes = [pool[0].count]
  }
}

# Nodes take what comes from the private network: other nodes and NodeBalancers. A node that the autoscaler has
# added is behind the firewall after the next `terraform apply`.
resource "linode_firewall" "nodes" {
  label           = "${var.name}-nodes"
  tags            = [var.name]
  inbound_policy  = "DROP"
  outbound_policy = "ACCEPT"

  inbound {
    label    = "private-tcp"
    action   = "ACCEPT"
    protocol = "TCP"
    ports    = "1-65535"
    ipv4     = ["192.168.128.0/17"]
  }

  inbound {
    label    = "private-udp"
    action   = "ACCEPT"
    protocol = "UDP"
    ports    = "1-65535"
    ipv4     = ["192.168.128.0/17"]
  }

  inbound {
    label    = "private-ipencap"
    action   = "ACCEPT"
    protocol = "IPENCAP"
    ipv4     = ["192.168.128.0/17"]
  }

  inbound {
    label    = "ping"
    action   = "ACCEPT"
    protocol = "ICMP"
    ipv4     = ["0.0.0.0/0"]
  }

  linodes = flatten([for pool in linode_lke_cluster.this.pool : [for node in pool.nodes : node.instance_id]])
}

resource "linode_object_storage_bucket" "archive" {
  label  = "${var.name}-archive"
  region = var.region
  acl    = "private"
}

# Rules of a bucket are written by S3, which needs a key. That of the workers is made after the buckets.
resource "linode_object_storage_key" "rules" {
  label   = "${var.name}-rules"
  regions = [var.region]
}

resource "linode_object_storage_bucket" "logs" {
  label      = "${var.name}-logs"
  region     = var.region
  acl        = "private"
  access_key = linode_object_storage_key.rules.access_key
  secret_key = linode_object_storage_key.rules.secret_key

  # What has been read is kept for a month.
  lifecycle_rule {
    id      = "expire"
    enabled = true
    expiration {
      days = 30
    }
  }
}

resource "linode_object_storage_key" "workers" {
  label = "${var.name}-workers"

  bucket_access {
    bucket_name = linode_object_storage_bucket.archive.label
    region      = var.region
    permissions = "read_write"
  }

  bucket_access {
    bucket_name = linode_object_storage_bucket.logs.label
    region      = var.region
    permissions = "read_only"
  }
}

resource "linode_domain" "this" {
  type      = "master"
  domain    = var.domain
  soa_email = var.contact
  tags      = [var.name]
}

resource "linode_domain_record" "page" {
  count = var.ingress_address == "" ? 0 : 1

  domain_id   = linode_domain.this.id
  name        = var.host
  record_type = "A"
  target      = var.ingress_address
  ttl_sec     = 300
}
