const SUBSTITUTES = {
  'sealing/jws.js': 'plain/jws.mjs',
  'sealing/jwe.js': 'plain/jwe.mjs',
  'store/cipher.js': 'plain/cipher.mjs',
};

/** Puts the bench's stand-ins in the place of three modules of the build. */
export async function resolve(specifier, context, next) {
  const resolved = await next(specifier, context);
  for (const [original, substitute] of Object.entries(SUBSTITUTES)) {
    if (resolved.url.endsWith(`/.build/${original}`))
      return { ...resolved, url: new URL(`./${substitute}`, import.meta.url).href };
  }
  return resolved;
}
