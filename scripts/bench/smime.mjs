/** S/MIME as a mail client makes it: signed, then encrypted, in this process. node-forge lays it out; OpenSSL makes the RSA signature. */
import { constants, createPrivateKey, privateEncrypt } from 'node:crypto';
import forge from 'node-forge';
import { makeCertificate } from './certificate.mjs';

// DigestInfo of SHA-256 up to the digest itself (RFC 8017 §9.2, note 1).
const DIGEST_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');

/** Gives a function that makes the text of one message out of a body. */
export function openSmime(from, to) {
  const [sender, recipient] = [makeCertificate(from), makeCertificate(to)];
  const [certificate, recipientCertificate] = [sender, recipient].map(({ cert }) => forge.pki.certificateFromPem(cert));
  const privateKey = createPrivateKey(sender.key);
  const key = {
    // forge's own RSA is a hundred times slower than what a mail client would use.
    sign: (digest) => {
      const info = Buffer.concat([DIGEST_INFO, Buffer.from(digest.digest().getBytes(), 'latin1')]);
      return privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, info).toString('latin1');
    },
  };
  const { oids } = forge.pki;
  return (body) => {
    const signed = forge.pkcs7.createSignedData();
    signed.content = forge.util.createBuffer(body.toString('latin1'));
    signed.addCertificate(certificate);
    signed.addSigner({
      key,
      certificate,
      digestAlgorithm: oids.sha256,
      authenticatedAttributes: [
        { type: oids.contentType, value: oids.data },
        { type: oids.messageDigest },
        { type: oids.signingTime, value: new Date() },
      ],
    });
    signed.sign();
    const enveloped = forge.pkcs7.createEnvelopedData();
    enveloped.addRecipient(recipientCertificate);
    enveloped.content = forge.util.createBuffer(forge.asn1.toDer(signed.toAsn1()).getBytes());
    enveloped.encrypt();
    const der = Buffer.from(forge.asn1.toDer(enveloped.toAsn1()).getBytes(), 'latin1');
    const lines = der
      .toString('base64')
      .match(/.{1,76}/g)
      .join('\r\n');
    return [
      `From: <desk@${from}>`,
      `To: <inbox@${to}>`,
      'Subject: message',
      'MIME-Version: 1.0',
      'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m',
      'Content-Transfer-Encoding: base64',
      '',
      lines,
    ].join('\r\n');
  };
}
