// What another reader makes of a certificate.

import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

/** What @peculiar/x509 reads of a certificate, in the terms of CertificateFacts. */
export function createReferee(pem: string) {
  const certificate = new x509.X509Certificate(pem);
  const hex = (bytes: ArrayBuffer) => Buffer.from(bytes).toString('hex');
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  return {
    notBeforeMs: certificate.notBefore.getTime(),
    notAfterMs: certificate.notAfter.getTime(),
    names: names.map((name) => [name.type === 'url' ? 'uri' : name.type, name.value]),
    keyUsage: certificate.getExtension(x509.KeyUsagesExtension)?.usages ?? null,
    purposes: [...(certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? [])].map(String),
    subjectKeyId: certificate.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId ?? null,
    authorityKeyId: certificate.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId ?? null,
    subjectDer: hex(certificate.subjectName.toArrayBuffer()),
    issuerDer: hex(certificate.issuerName.toArrayBuffer()),
  };
}
