FROM acme/base:dev
