terraform {
  required_version = ">= 1.6"
  required_providers {
    linode = {
      source  = "linode/linode"
      version = ">= 3.0, < 4.0"
    }
  }
}

# The token comes from LINODE_TOKEN: it is in no file.
provider "linode" {}
