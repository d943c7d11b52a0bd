// The policy of the demo: the seed policy of the design, byte for byte (a test holds it against test/fixtures).

/** YAML. */
export const seedPolicyYaml = `policy "payment-service-access":
  description: "Access control for payment microservice"
  principals:
    type: workload
    attributes:
      spiffe_id: "spiffe://prod.acme.com/ns/payments/*"
  default_decision: deny
  rules:
    - name: database-access
      effect: allow
      resources:
        type: database
        name: payments_db
      actions: [read, write]
      conditions:
        - principal.spiffe_id matches "spiffe://prod.acme.com/ns/payments/api"
        - principal.attestation == "k8s_sat"
        - principal.namespace == "payments"
        - network.is_internal == true
      credential:
        type: short_lived_certificate
        ttl: 1h
        auto_rotate: true
    - name: audit-log-write
      effect: allow
      resources:
        type: message_queue
        topic: "audit.payments.*"
      actions: [publish]
    - name: deny-cross-namespace
      effect: deny
      priority: 100
      conditions:
        - principal.namespace != resource.namespace
`;
