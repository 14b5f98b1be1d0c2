// An OpenID provider (npm's oidc-provider, certified by the OpenID Foundation) with the accounts and the client that a test names.
const [library, given] = process.argv.slice(2);
const { Provider } = await import(library);
const { issuer, port, client, accounts, groupsInIdToken } = JSON.parse(given);
const provider = new Provider(issuer, {
  clients: [client],
  claims: { openid: ["sub"], profile: ["name"], email: ["email"], groups: ["groups"] },
  conformIdTokenClaims: !groupsInIdToken,
  pkce: { required: () => true },
  cookies: { keys: ["for this test"] },
  findAccount: (_, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
});
provider.listen(port, "127.0.0.1");
