"""OpenAPI: what each route takes and answers, one resource a file, in; one document of all out."""
