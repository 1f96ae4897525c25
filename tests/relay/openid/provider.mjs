// An OpenID provider that knows one program and gives it tokens for the relay: `oidc-provider`, a certified one.
//
// usage: node provider.mjs PORT KEY_ID   (prints "ready" when it listens; each start makes new keys)
// A token is asked for with the client credentials grant; its `resource` names the algorithm that signs it:
// urn:relay:RS256, urn:relay:ES256, urn:relay:EdDSA.
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const [port, keyId] = process.argv.slice(2);
const kinds = { RS256: ['rsa', { modulusLength: 2048 }], ES256: ['ec', { namedCurve: 'P-256' }], EdDSA: ['ed25519', {}] };
const keys = Object.entries(kinds).map(([alg, [kind, options]]) => {
  const key = generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' });
  return { ...key, alg, use: 'sig', kid: `${keyId}-${alg}` };
});

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys },
  clients: ['alice', 'boss'].map((name) => ({
    client_id: name, client_secret: `${name}-secret`, grant_types: ['client_credentials'],
    redirect_uris: [], response_types: [],
  })),
  scopes: ['relay'],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (context, resource) => ({
        scope: 'relay', audience: 'lockstep-relay', accessTokenFormat: 'jwt', accessTokenTTL: 600,
        jwt: { sign: { alg: resource.split(':').pop() } },
      }),
    },
  },
  extraTokenClaims: (context, token) => (token.clientId === 'boss' ? { groups: ['relay-operators'] } : {}),
});
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
