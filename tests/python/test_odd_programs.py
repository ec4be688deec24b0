"""Short programs that mix what seldom meets: views, masks, odd dtypes, `out=`, pickles, threads, `no_grad`. NumPy is the oracle; for gradients,
differences of the program under NumPy."""
import copy
import io
import pickle
import threading
import warnings

import numpy
import pytest

import minpy.numpy as np
from minpy.core import grad, no_grad

# `m` is the module, `r` the result.
PROGRAMS = r"""
a=m.arange(12.).reshape(3,4); a[a>5]=m.nan; r=m.nansum(a,0)
a=m.arange(12.).reshape(3,4); b=a.T[::-1]; b[0]+=10; r=a
a=m.arange(5); a[m.array([0,0,1])]+=1; r=a
a=m.arange(5.); m.add.at(a,[0,0,1],0.5); r=a
a=m.zeros((2,3)); a[:,1]=["1.5","2"]; r=a
a=m.zeros(3); a[...]="7"; r=a
a=m.ones(3,complex); a.real=[1,2,3]; a.imag[1]=5; r=a
a=m.arange(6.); v=a[::2]; v*=v; r=a
a=m.arange(6); a[1:]=a[:-1]; r=a
a=m.arange(6); a[:-1]=a[1:]; a[::-1]+=a; r=a
x=m.arange(4.); y=x; x+=1; x=x+1; r=(x,y)
a=m.arange(9.).reshape(3,3); m.fill_diagonal(a,[7,8,9]); r=a
a=m.arange(9.).reshape(3,3); a[m.diag_indices(3)]*=2; r=a
a=m.arange(9.).reshape(3,3); a[[0,2]]=a[[2,0]]; r=a
a=m.arange(9.).reshape(3,3); i=m.argsort(-a,axis=1); r=m.take_along_axis(a,i,1)
a=m.array([3,1,2]); a.sort(); b=a[::-1]; b.sort(); r=(a,b)
a=m.arange(10); r=a[m.newaxis,2:8:2,None][0,...,0]
a=m.array(["a","bb"]); r=m.char.upper(a).tolist()
a=m.array([1,"x",None],dtype=object); a[0]=m.arange(2); r=len(a)
a=m.array([1.5,2.5]); r=a.astype(object).tolist()
a=m.arange(3.); r=pickle.loads(pickle.dumps(a))
a=m.arange(3.); b=copy.deepcopy({"x":[a,a]}); b["x"][0][0]=9; r=(a,b["x"][1])
a=m.arange(6.).reshape(2,3)[:,1:]; b=copy.copy(a); b[0,0]=100; r=(a,b,b.flags.c_contiguous)
a=m.arange(3.); r=m.where(a > 1, a, -1)
a=m.arange(3); r=m.where([True,False,True],a,2.5)
a=m.zeros(3,"i1"); a+=m.array([1,2,3],"i1"); a[0]-=1; r=a
a=m.zeros(3,"i1"); a+=1.5
a=m.zeros(3,"u1"); a-=1; r=a
a=m.array([1,2,3]); a/=2
a=m.array([1,2,3]); a//=2; a**=2; a%=3; a<<=2; a|=1; r=a
a=m.arange(4.); m.sqrt(a,out=a,where=a>1); r=a
a=m.arange(4.); o=m.full(4,-1.); m.divide(1,a,out=o,where=a!=0); r=o
with m.errstate(divide="raise"): r=m.ones(2)/m.zeros(2)
with m.errstate(all="raise"): r=m.float32(1e30)*m.array([1e30],"f4")
with m.errstate(invalid="raise"): r=m.log(m.array([-1.]))
a=m.arange(3.); a.flags.writeable=False; a[0]=1
a=m.broadcast_to(m.arange(3.),(2,3)); a[0,0]=1
a=m.arange(6).reshape(2,3); a.shape=(3,2); r=a
a=m.arange(6).reshape(2,3); a.shape=(4,2)
a=m.arange(6,dtype="f4"); r=a.view("i4")
a=m.arange(4.).view(complex); r=a
a=m.arange(3); r=[x.dtype.name for x in a]+[type(x).__name__ for x in a]
a=m.arange(3.); r=dict(zip(a,a))[1.0]
a=m.arange(3.); r=f"{a[1]:.2f} {a.sum():5.1f} {a}"
a=m.arange(12).reshape(3,4); r=[row.sum() for row in a]
a=m.arange(12).reshape(3,4); r=(a[1,-1],a[-1][0],a[(1,2)],a[[1,2]].shape)
a=m.arange(3); a[5]
a=m.arange(3); a["x"]
a=m.arange(3); a[1.0]
a=m.arange(3); a[[True,False]]
a=m.arange(6).reshape(2,3); r=a[:,[True,False,True]]
a=m.arange(6).reshape(2,3); a[:,[True,False,True]]=[[7],[8]]; r=a
a=m.ones((2,3)); a[0]=[1,2]
a=m.ones((2,3)); a+=m.ones(2)
a=m.arange(3.); r=a==None
a=m.arange(3); r=(1 in a, 5 in a, a.tolist().index(2))
a=m.arange(3.); r=max(a), min(a), sum(a), sorted(a,reverse=True), any(a), all(a)
a=m.arange(3); b=iter(a); next(b); r=list(b)
a=m.arange(4).reshape(2,2); r=bool(a[0,0]), int(a[1,1]), float(a[0,1]), a[0,1].__index__()
a=m.arange(4); bool(a)
a=m.array([]); r=a.sum(), a.prod()
a=m.array([]); a.max()
a=m.arange(4.); r=m.interp(1.5,a,a*2), m.searchsorted(a,2.5), m.digitize(a,[1,3]), m.bincount(m.array([1,1,2]))
a=m.arange(24).reshape(2,3,4); r=m.einsum("ijk->kj",a), m.tensordot(a,a,([0,1],[0,1])), m.moveaxis(a,0,-1).shape
a=m.arange(4.); f=io.BytesIO(); m.save(f,a); f.seek(0); r=m.load(f)
a=m.arange(4.); f=io.BytesIO(); m.savez(f,x=a,y=a*2); f.seek(0); z=m.load(f); r=z["x"]+z["y"]
a=m.arange(8.); t=[threading.Thread(target=lambda i=i: a.__setitem__(i,i*i)) for i in range(8)]; [x.start() for x in t]; [x.join() for x in t]; r=a
a=m.arange(6.).reshape(2,3); r=m.apply_along_axis(lambda v: v[::-1]*2,1,a)
a=m.vectorize(lambda x,y: x if x>y else y)(m.arange(3),1); r=a
a=m.frompyfunc(lambda x: x+1,1,1)(m.arange(3)); r=a.tolist()
a=m.ma.masked_where(m.arange(3)>1,m.arange(3)); r=a.filled(-1), a.sum()
a=m.rec.array([(1,2.)],dtype=[("x",int),("y",float)]); r=a.x.tolist()
a=m.zeros(2,dtype=[("x","f8"),("y","i4")]); a["x"]=m.arange(2.)+1; r=a["x"].tolist(), a["y"].sum()
a=m.datetime64("2020-01-01")+m.arange(3); r=a.astype(str).tolist()
a=m.arange(3,dtype=">i4"); r=(a+1).tolist(), a.dtype.str
a=m.arange(5.); a[a.argmax()]=0; a[-1:]=[]
a=m.arange(5.); a[1:1]=[]; r=a
a=m.arange(5.); a[[]]=[]; a[m.zeros(5,bool)]=[]; r=a
a=m.arange(5.); a[:]=a[0]; r=a
a=m.matrix([[1,2],[3,4]]); r=(a*a).tolist()
a=m.poly1d([1,2,3]); r=a(m.arange(3.)), a.r.shape
a=m.arange(4.)[::-1]; r=a.strides, a.base is None, a.flags.c_contiguous, a.copy().strides
a=m.asfortranarray(m.ones((2,3))); r=(a+1).flags.f_contiguous, (a.T).flags.c_contiguous, a.ravel("K").tolist()
a=m.float64(3.0); a+=m.arange(2.); r=a
a=3.0; a*=m.arange(2); r=a
a=m.arange(3)[None]*m.arange(2)[:,None]; r=a, a.nbytes, a.itemsize
a=m.array(5); a[()]=6; a+=1; r=a, a.item(), a.shape
a=m.array(5); a[0]
r=m.array([[1,2],[3]])
r=m.array([m.arange(2),m.arange(2)+1]), m.array([m.array(1),2.5])
r=m.concatenate([m.arange(2),[1.5]]), m.stack([[1,2],m.arange(2)])
r=m.concatenate([m.ones((2,2)),m.ones(2)])
r=m.arange(3)@m.arange(3), m.ones((2,3))@m.arange(3), m.dot(2,m.arange(3))
r=m.ones((2,3))@m.ones((2,3))
r=m.linspace(0,1,5,dtype=int), m.logspace(0,2,3), m.geomspace(1,8,4), m.arange(0,1,.3), m.arange(5,0,-2)
r=m.full((2,),"ab").tolist(), m.full(2,1+2j), m.full_like(m.arange(2),2.7)
r=m.histogram(m.arange(10.),3), m.percentile(m.arange(10.),[25,50]), m.unique(m.array([3,1,3]),return_counts=True)
r=m.split(m.arange(6),3), m.array_split(m.arange(5),2), m.hsplit(m.ones((2,4)),2)
r=m.allclose(m.nan,m.nan,equal_nan=True), m.isclose(1,1+1e-9), m.array_equal([1,2],m.array([1,2]))
r=m.select([m.arange(4)<2,m.arange(4)>2],[m.arange(4),-m.arange(4)],99), m.piecewise(m.arange(3.),[m.arange(3.)<1],[lambda x:-x,lambda x:x+10]), m.choose([0,1],[[1,2],[3,4]])
r=m.clip(m.arange(5),1,3), m.clip(m.arange(5.),None,2), m.round(m.array([.5,1.5,2.675]),2), m.around(12345,-2)
r=m.cross([1,2,3],[4,5,6]), m.outer([1,2],[3,4]), m.kron([1,2],[1,1]), m.trace(m.eye(3)), m.tril(m.ones((3,3)))
r=m.sum(m.arange(6).reshape(2,3),axis=(0,1),keepdims=True), m.sum([[1,2],[3,4]],1,initial=10,where=[[True,False],[True,True]])
r=m.max(m.arange(3),initial=-1,where=[False,False,False]), m.cumsum(m.ones((2,2)),1), m.diff([1,4,9],prepend=0)
"""
# Of `x`; what `off` calls is not recorded.
GRADIENTS = r"""
y=x*2; y[0]="3"; r=m.sum(y*y)
y=x*2; y[y>2]="3"; r=m.sum(y*y)
y=x*2; y[[0,1]]=["1","2"]; r=m.sum(y**3)
y=x*2; v=y[1:]; v[0]="4"; r=m.sum(y*x)
y=m.concatenate([x,x]); y[::2]*=x; r=m.sum(y*y)
y=x.reshape(3,1)*x; y[m.arange(3),m.arange(3)]=0; r=m.sum(y*y)
y=x*1; off(lambda: y.__setitem__(slice(1,None),"2")); r=m.sum(y*y*x)
y=x*1; off(lambda: y.__setitem__(m.array([True,False,True]),["2","3"])); r=m.sum(y*y*x)
y=m.where(x>1,x*x,x); y+=y[::-1]; r=m.sum(y*m.arange(3))
y=x*1; m.multiply(y,y,out=y); r=m.sum(y*x)
y=x*1; m.exp(y,out=y,where=m.array([True,False,True])); r=m.sum(y*x)
y=m.zeros(3); y[...]=x; y[0]+=y[1]; r=m.sum(y*y)
y=x.copy(); y.sort(); r=m.sum(y*m.arange(3.))
y=m.var(m.outer(x,x*x).T,axis=0); r=m.sum(y)
y=m.std(m.outer(x,x+1)[::-1].T,axis=1); r=m.sum(y)
y=m.mean(m.outer(x,x),axis=0,keepdims=1); r=m.sum(y*y)
y=m.sum(x*x,dtype="float64",keepdims=True); r=m.sum(y*x)
o=m.zeros(3); m.cumsum(x*x,out=o); r=m.sum(o*x)
o=m.zeros(()); m.sum(x*x,out=o); r=o*x[0]
y=m.var(x,dtype="float64"); r=y*x[1]
y=m.nanmean(x*x); r=y*x[0]
y=x*1; y[1]=5.0; y[1]=y[0]*"a".__len__(); r=m.sum(y*y)
y=x*1; y.flat[1]="7"; r=m.sum(y*y)
y=x*1; y.fill("2"); r=m.sum(y*x)
y=x*1; y[numpy.array([0])]=numpy.array(["4"]); r=m.sum(y*y)
y=x*1; y[0]=numpy.array(4,dtype=object); r=m.sum(y*y)
y=m.divmod(x,0.75)[1]; r=m.sum(y*y)
y=m.modf(x)[0]; r=m.sum(y*y)
y=m.nan_to_num(x*x); r=m.sum(y)
y=m.clip(x,1,2); y[0]=y[2]; r=m.sum(y*x)
"""


def lines(text):
    return text.strip().splitlines()


def plain(x):
    """What a result is made of."""
    if isinstance(x, (tuple, list)):
        return [plain(i) for i in x]
    if isinstance(x, (numpy.ndarray, numpy.generic, np.ndarray, np.scalar)):
        y = numpy.asarray(x)
        return y.dtype.str, y.shape, repr(y.tolist())
    return repr(x)


@pytest.mark.parametrize("program", lines(PROGRAMS))
def test_results(program):
    found = []
    for m in (numpy, np):
        names = {"m": m, "pickle": pickle, "copy": copy, "io": io, "threading": threading}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                exec(program, names)
                found.append(plain(names.get("r")))
            except Exception as e:
                found.append([c.__name__ for c in type(e).__mro__ if c.__module__ == "builtins"])
    assert found[0] == found[1]


@pytest.mark.parametrize("program", lines(GRADIENTS))
def test_gradients(program):
    def f(x, m, off):
        names = {"x": x, "m": m, "off": off, "numpy": numpy}
        exec(program, names)
        return names["r"]

    x, h = numpy.array([0.6, 1.7, 2.3]), 1e-6
    steps = [[float(f(x + s * h * (numpy.arange(3) == i), numpy, lambda w: w())) for s in (1, -1)] for i in range(3)]
    got = grad(lambda x: f(x, np, lambda w: no_grad(w)()))(np.array(x))
    assert numpy.allclose(numpy.asarray(got), [(a - b) / (2 * h) for a, b in steps], rtol=1e-4, atol=1e-6)
